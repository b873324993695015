"""A simulated Vietnamese company as a source; see `source.DemoSource`."""

from orchestration.sources.demo.source import DemoSource

__all__ = ["DemoSource"]
