"""Every way in which a tenant may answer differently from the documented sample, as a switch.

Belongs here: the switches, and what each stands for. Not here: carrying them out (rendering, listing, shapes,
interference), or failing requests (faults). All off is the friendliest server that the documentation allows.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL_FILTERS = frozenset({"*"})


@dataclass(frozen=True)
class Oddities:
    """Switches; see the groups below. Frozen: `dataclasses.replace` makes another set."""

    # How values are written.
    string_ids: bool = False  # "12" instead of 12, in lists too
    comma_strings: bool = False  # several ids "1,5"; one alone a scalar; none in turn "", "0" and null
    zero_dates: bool = False  # absent dates are 0000-00-00 or 0000-00-00 00:00:00
    unix_dates: bool = False  # dates with time are Unix seconds
    day_first_dates: bool = False  # dates without time are d/m/Y
    empty_strings: bool = False  # "" instead of null, dates included unless zero_dates
    empty_objects_as_arrays: bool = False  # [] instead of {} for empty custom_fields and extensions
    thousands_amounts: bool = False  # money as "1,000,000.0"

    # How a list is wrapped.
    bare_arrays: bool = False  # every list is a bare array
    enveloped_arrays: bool = False  # lists that are documented as bare arrays have the envelope
    missing_has_more: bool = False  # the envelope has no has_more
    unpaged: bool = False  # users, sources and campaigns answer everything whatever was asked: limited is false
    single_object: bool = False  # a page of one row has that row itself as data

    # What is done with parameters.
    max_limit: int = 200  # a longer limit is cut to this one, and `limited` says so
    fields_required: bool = False  # accounts without `fields` end in an error about custom_fields
    ignored_filters: frozenset[str] = frozenset()  # these fields are never filtered by; ALL_FILTERS: none is
    ignored_unknown_filters: bool = False  # undocumented filters are ignored instead of refused
    ignored_sort: bool = False  # every list comes in its default order
    exclusive_bounds: bool = False  # gte, lte and between leave out the bounds themselves
    utc_bounds: bool = False  # times in filters are read as UTC, though rows show company time
    hidden_times: bool = False  # tasks have neither created_at nor updated_at, opportunities no updated_at
    dead_versions: frozenset[str] = frozenset()  # for example {"v6.1"}: those paths are 404

    # What happens to the data while a list is being paged, once per list, when its second page is asked for.
    insert_between_pages: bool = False  # the newest row only appears then: the page before slides into this one
    delete_between_pages: bool = False  # the first row is deleted then: this page misses one
    edit_between_pages: bool = False  # the last row is edited then, and moves to the front of an order by updated_at

    # What the records are like.
    children_move_parents: bool = (
        False  # contacts and interactions move an account's updated_at, lines and payments an order's
    )
    comments_activate: bool = False  # a comment moves its account's last_active
    messy_phones: bool = False  # 84…, or without the leading 0, or only on a contact
    slashed_codes: bool = False  # codes hold "/", "[" and "]"
    contact_key: str = "id"  # the key of a contact inside an account; "" leaves it out
