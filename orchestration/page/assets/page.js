// The page: pickers, key figures, blocks and the rows behind a figure.
// Belongs here: showing what is in the file. Not here: computing or rounding a figure; every number is a text as written.

(() => {
  const byId = (id) => document.getElementById(id);
  const head = JSON.parse(byId("head").textContent);
  const AT = { en: 0, vi: 1 };
  const state = {
    lang: head.lang || ((navigator.language || "").toLowerCase().startsWith("vi") ? "vi" : "en"),
    subject: head.subjects[0].id,
    month: head.month,
    part: null,
    turn: 0,
  };
  const parts = new Map();
  let views = [];

  // -- words and elements --

  const word = (key, values = {}) =>
    (head.words[key] || [key, key])[AT[state.lang]].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
  const text = (cell) => (typeof cell === "number" ? state.part.words[cell][AT[state.lang]] : cell);
  const both = (pair) => pair[AT[state.lang]];
  // A head like "Inter- actions" says where it may break.
  const soft = (label) => label.replace(/(\p{L})- (\p{Ll})/gu, "$1\u00ad$2");
  const whole = (label) => label.replace(/(\p{L})- (\p{Ll})/gu, "$1$2");

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
      else element.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children) if (child !== null && child !== undefined) element.append(child);
    return element;
  }
  const name = (value) => make("bdi", {}, value);

  const MEMBERS = { "(none)": "member_none", "(unknown)": "member_unknown", "(other)": "member_other" };
  const member = (value) => (value in MEMBERS ? word(MEMBERS[value]) : value);

  // -- parts of the file --

  async function load(subject) {
    if (!parts.has(subject)) {
      const script = [...document.querySelectorAll("script[data-subject]")].find((one) => one.dataset.subject === subject);
      const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      parts.set(subject, JSON.parse(await new Response(stream).text()));
    }
    return parts.get(subject);
  }

  const blockOf = (about, month = state.month) => (about.is_monthly ? state.part.months[month] : state.part.now)[about.name];
  const subjectOf = () => head.subjects.find((one) => one.id === state.subject);
  const subjectName = (one) => (one.name === null ? `${word("team")}: ${one.people} ${word("people")}` : one.name + (one.is_active ? "" : ` (${word("inactive")})`));

  // -- pickers --

  function fillPickers() {
    const subject = byId("subject");
    subject.replaceChildren(...head.subjects.map((one) => make("option", { value: one.id }, subjectName(one))));
    subject.value = state.subject;
    subject.disabled = head.subjects.length < 2;
    const month = byId("month");
    month.replaceChildren(...[...head.months].reverse().map((one) => make("option", { value: one.month }, one.is_whole ? one.month : `${one.month} (${both(one.how_much)})`)));
    month.value = state.month;
    const at = head.months.findIndex((one) => one.month === state.month);
    byId("before").disabled = at <= 0;
    byId("after").disabled = at >= head.months.length - 1;
  }

  function fillWords() {
    document.documentElement.lang = state.lang;
    for (const one of document.querySelectorAll("[data-word]")) one.textContent = word(one.dataset.word);
    for (const one of document.querySelectorAll("[data-title]")) {
      one.title = word(one.dataset.title);
      one.setAttribute("aria-label", word(one.dataset.title));
    }
    for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", word(one.dataset.label));
    for (const one of document.querySelectorAll("button[data-lang]")) one.setAttribute("aria-pressed", String(one.dataset.lang === state.lang));
  }

  // -- head of the page and key figures --

  function headOf() {
    const subject = subjectOf();
    const month = head.months.find((one) => one.month === state.month);
    const facts = [
      [word("viewer"), `${head.viewer.name}: ${both(head.viewer.right)}`],
      [word("data"), both(head.data)],
      [word("published"), both(head.published)],
    ];
    return make("div", {},
      make("div", { class: "whose" },
        make("div", {},
          make("h1", {}, name(subjectName(subject))),
          subject.name === null ? null : make("p", { class: "about" }, name([subject.id, subject.about].filter(Boolean).join(" · ")))),
        make("p", { class: "when" }, `${word("month")} ${month.month} `, make("span", { class: month.is_whole ? "whole" : "part" }, both(month.how_much)))),
      make("dl", { class: "facts" }, ...facts.flatMap(([term, fact]) => [make("dt", {}, term), make("dd", {}, name(fact))])));
  }

  const tableOf = (block, at = 0) => (block && block.items ? block.items.filter((item) => item.rows)[at] : undefined);

  // Targets by metric; where several periods touch the month there is no one target to show beside the figure.
  function targetsByMetric() {
    const table = tableOf(state.part.months[state.month].targets);
    const found = {};
    if (!table) return found;
    const first = table.kinds[1] === "l" ? 2 : 1;
    table.keys.forEach((key, row) => {
      const cells = table.rows[row].map(text);
      found[key] = key in found ? null : { target: cells[first], actual: cells[first + 1], rate: cells[first + 2] };
    });
    return found;
  }

  function tilesOf() {
    const about = head.blocks.find((one) => one.name === "conversion");
    const table = tableOf(blockOf(about));
    if (!table) return make("p", { class: "empty" }, word("nothing_in_month"));
    const targets = targetsByMetric();
    const before = text(table.heads[2]);
    const tiles = ["new_customers", "interactions", "activities", "orders", "revenue_amount"].map((key) => {
      const cells = table.rows[table.keys.indexOf(key)].map(text);
      const target = targets[key];
      const rate = target ? numberOf(target.rate) : null;
      return make("li", { class: `tile${key.endsWith("_amount") ? " money" : ""}` },
        make("span", { class: "name" }, word(key)),
        make("span", { class: "value" }, cells[1]),
        make("span", { class: "than" }, `${before}: ${cells[2]}${cells[3] === "–" ? "" : ` (${cells[3]})`}`),
        target ? make("span", { class: "target" }, `${word("target")}: ${target.actual} / ${target.target}`,
          rate === null ? null : make("progress", { max: 100, value: Math.min(rate, 100), "aria-label": `${word(key)}: ${word("achieved")}` }),
          rate === null ? null : `${word("achieved")} ${target.rate}`) : null);
    });
    return make("ul", { class: "tiles", "aria-label": word("key_figures") }, ...tiles);
  }

  function trendOf() {
    const about = head.blocks.find((one) => one.name === "conversion");
    const minis = ["new_customers", "interactions", "activities", "orders", "revenue_amount", "collected_amount"].map((key) => {
      const rows = head.months.map((one) => {
        const table = tableOf(blockOf(about, one.month));
        const cell = table ? table.rows[table.keys.indexOf(key)][1] : "0";
        return { month: one.month, value: numberOf(text(cell)), chosen: one.month === state.month };
      });
      return make("div", {}, make("p", { class: "caption" }, word(key).replace(/^./u, (letter) => letter.toUpperCase())),
        chartBox(`${word("trend")}: ${word(key)}`, () => trendSpec(rows, word("short_units").split(","))));
    });
    const part = head.months.filter((one) => !one.is_whole).map((one) => `${one.month}: ${both(one.how_much)}`);
    return make("section", { class: "block wide", id: "trend", "aria-labelledby": "trend-title" },
      make("h2", { id: "trend-title" }, word("trend")),
      make("div", { class: "minis" }, ...minis),
      part.length ? make("p", { class: "note" }, part.join("; ")) : null);
  }

  // -- charts --

  let waiting = [];
  function chartBox(label, spec) {
    const box = make("div", { class: "chart", role: "img", "aria-label": label });
    waiting.push({ box, spec });
    return box;
  }

  async function drawCharts(turn) {
    const drawn = waiting;
    waiting = [];
    for (const { box, spec } of drawn) {
      if (turn !== state.turn) return;
      const made = spec(box.clientWidth);
      // Vega says of itself what it is; here the box around it says what it shows.
      const inner = box.appendChild(make("div", { "aria-hidden": "true" }));
      const result = await vegaEmbed(inner, made, { actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: false });
      for (const part of [inner, ...inner.querySelectorAll("*")]) {
        for (const one of ["role", "aria-label", "aria-roledescription"]) part.removeAttribute(one);
      }
      views.push({ view: result.view, spec: made, box });
    }
  }

  // The rows of a table that stand for something; sums and the like are left out.
  function chartRows(table, chart) {
    const most = chart.rows || (table.keys.length ? table.keys.length : table.rows.length);
    return table.rows.slice(0, most)
      .map((cells, row) => ({ cells: cells.map(text), key: table.keys[row] }))
      .filter((one) => !chart.keys || chart.keys.includes(one.key));
  }

  function chartsOf(about, block) {
    const tables = block.items.filter((item) => item.rows);
    return about.charts.map((chart) => {
      const table = tables[chart.table];
      const rows = chartRows(table, chart);
      const last = table.heads.length;
      const columns = chart.columns.map((one) => (one < 0 ? last + one : one)).filter((one) => one < last && table.kinds[one] === "n");
      const titles = columns.map((one) => whole(text(table.heads[one])));
      const labelled = distinct(rows.map((one) => about.name === "conversion" ? one.cells[0].trim().replace(/^\d /, "") : one.cells[0].trim()));
      const title = `${both(head.words[titleKey(about)])}: ${titles.join(", ")}`;
      const values = rows.flatMap((one, at) => columns.map((column, place) => ({ label: labelled[at], series: titles[place], text: one.cells[column], value: numberOf(one.cells[column]) }))).filter((one) => one.value !== null);
      if (chart.kind === "shares") {
        const lines = rows.slice(0, rows.length - 1).flatMap((one) => columns.map((column, place) => {
          const [, percent] = one.cells[column].split(/\s+/);
          return { series: one.cells[0], step: titles[place], value: place === 0 ? 100 : numberOf(percent === undefined ? "" : percent) };
        })).filter((one) => one.value !== null);
        const names = rows.slice(0, rows.length - 1).map((one) => one.cells[0]);
        return make("div", {}, chartBox(title, (width) => sharesSpec(lines, width, titles, names)));
      }
      if (!values.length) return null;
      const spec = {
        bars: (width) => barsSpec(values, width),
        rates: (width) => ratesSpec(values, width),
        grouped: (width) => groupedSpec(values, width, titles, about.name === "relationships"),
      }[chart.kind];
      const caption = chart.kind === "grouped" ? null : make("p", { class: "caption", "aria-hidden": "true" }, titles.join(", "));
      return make("div", {}, caption, chartBox(title, spec));
    }).filter(Boolean);
  }

  // Two rows of one name are still two bars.
  function distinct(labels) {
    const seen = new Map();
    return labels.map((label) => {
      const times = (seen.get(label) || 0) + 1;
      seen.set(label, times);
      return times === 1 ? label : `${label} (${times})`;
    });
  }

  // -- blocks --

  const titleKey = (about) => `title_${about.name.replaceAll("-", "_")}`;

  function tableElement(table, title, openerOf) {
    const caption = make("caption", { class: "skip" }, title);
    const headRow = make("tr", {}, ...table.heads.map((cell, at) => make(text(cell) ? "th" : "td", { scope: text(cell) ? "col" : null, class: `${table.kinds[at] === "n" ? "n" : ""}${/^\d{4}-/.test(text(cell)) ? " day" : ""}` }, soft(text(cell)))));
    const body = table.rows.map((cells, row) => make("tr", { class: table.bold.includes(row) ? "bold" : null },
      ...cells.map((cell, column) => {
        const value = text(cell);
        const kind = table.kinds[column];
        const open = openerOf ? openerOf(row, column, value) : null;
        const inside = open
          ? make("button", { type: "button", class: "open", "aria-label": open.label, "data-count": open.isCount ? value.trim() : null, on: { click: open.act } }, name(value.trim()))
          : kind === "a" ? name(value.trim()) : kind === "n" ? withShare(value.trim()) : value.trim();
        const classes = `${kind}${value.startsWith("  ") ? " in1" : ""}`;
        return column === 0 ? make("th", { scope: "row", class: classes }, inside) : make("td", { class: classes }, inside);
      })));
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, make("table", {}, caption, make("thead", {}, headRow), make("tbody", {}, ...body)));
  }

  // "131  81.9%": the share stands back behind the count it belongs to.
  function withShare(value) {
    const [, part, share] = /^(\S+)(\s+\S+%)$/.exec(value) || [];
    if (!share) return value;
    const both = document.createDocumentFragment();
    both.append(part, make("span", { class: "share" }, share));
    return both;
  }

  function wayOf(about, table, at, row, column) {
    const key = table.keys[row];
    if (!key) return null;
    for (const drill of head.drills[about.name] || []) {
      const place = drill.column < 0 ? table.heads.length + drill.column : drill.column;
      if (drill.table !== at || place !== column) continue;
      if (drill.only_as_of && blockOf(about).dates.at(-1) !== head.as_of) continue;
      const way = drill.ways[key] || drill.of_key;
      if (way) return { ...way, values: way.values.length ? way.values : [key] };
    }
    return null;
  }

  function blockElement(about) {
    const block = blockOf(about);
    if (!block) return null;
    const id = `block-${about.name}`;
    const key = titleKey(about);
    const [english, vietnamese] = head.words[key];
    const [first, second] = state.lang === "vi" ? [vietnamese, english] : [english, vietnamese];
    const title = make("h2", { id: `${id}-title` }, first,
      make("span", { class: "also", lang: state.lang === "vi" ? "en" : "vi" }, second),
      about.is_monthly ? null : make("span", { class: "now" }, word("as_of_only", { as_of: head.as_of })));
    const narrow = about.is_narrow && !["tasks"].includes(about.name);
    const section = make("section", { id, class: `block ${narrow ? "" : "wide"}${about.name === "team" || about.name === "cycle" ? " long" : ""}`, "aria-labelledby": `${id}-title` }, title);
    if (!block.items) {
      section.append(make("p", { class: "empty" }, text(block.empty)));
      return section;
    }
    const charts = chartsOf(about, block);
    const tables = make("div", { class: "tables" });
    let at = -1;
    for (const item of block.items) {
      if (item.rows) {
        at += 1;
        const place = at;
        tables.append(tableElement(item, at ? `${first} ${at + 1}` : first, (row, column, value) => openerOf(about, item, place, row, column, value)));
      } else if ("heading" in item) {
        if (text(item.heading).trim()) tables.append(make("h3", {}, text(item.heading)));
        else tables.append(make("div", { class: "gap" }));
      } else tables.append(make("p", { class: "note" }, text(item.note)));
    }
    section.append(make("div", { class: `inside${charts.length ? " has-chart" : ""}` }, charts.length ? make("div", { class: "charts" }, ...charts) : null, tables));
    return section;
  }

  function openerOf(about, table, at, row, column, value) {
    if (about.name === "team" && at === 0 && column === 0 && table.keys[row]) {
      return { label: word("open_person", { name: value }), act: () => show({ subject: table.keys[row] }, true) };
    }
    const way = wayOf(about, table, at, row, column);
    if (!way || numberOf(value) === null || numberOf(value) === 0) return null;
    const label = text(table.rows[row][0]).trim();
    // A count has as many rows; an amount is what they come to.
    return { label: word("show_rows", { label, value }), isCount: way.is_count, act: () => openRows(way, label, value, way.is_count) };
  }

  // -- the rows behind a figure --

  function openRows(way, label, value, isCount) {
    const list = head.lists[way.list];
    const found = state.part.lists[way.list][list.is_monthly ? state.month : "now"] || { total: 0, rows: [] };
    const rows = way.at === null ? found.rows : found.rows.filter((cells) => way.values.some((one) => (Array.isArray(cells[way.at]) ? cells[way.at].includes(one) : cells[way.at] === one)));
    const isCut = found.rows.length < found.total;
    const total = isCut && isCount ? numberOf(value) : rows.length;
    const shown = list.fields.map((field, at) => ({ field, at })).filter(({ field }) => field[2] && (field[1] !== "person" || subjectOf().name === null));
    const headRow = make("tr", {}, ...shown.map(({ field }) => make("th", { scope: "col", class: kindOf(field) }, soft(word(field[2])))));
    const body = rows.map((cells) => make("tr", {}, ...shown.map(({ field, at }) => make("td", { class: kindOf(field) }, cellOf(field, cells[at])))));
    byId("rows-title").textContent = `${word(list.title)}: ${label}, ${value}`;
    const note = isCut && !isCount
      ? word("rows_cut_unknown", { shown: rows.length.toLocaleString("en"), loaded: found.rows.length.toLocaleString("en"), total: found.total.toLocaleString("en") })
      : total > rows.length ? word("rows_cut", { shown: rows.length.toLocaleString("en"), total: total.toLocaleString("en") })
        : word("rows_shown", { shown: rows.length.toLocaleString("en") });
    byId("rows-note").textContent = note;
    byId("rows-table").replaceChildren(make("table", {}, make("thead", {}, headRow), make("tbody", {}, ...body)));
    byId("rows").showModal();
    byId("rows-table").scrollTop = 0;
  }

  const kindOf = (field) => ({ number: "n", money: "n", name: "a", person: "a", list: "a" })[field[1]] || "l";

  function cellOf(field, value) {
    if (value === null || value === undefined) return field[0] === "customer" ? word("not_visible") : "–";
    if (field[1] === "code") return field[3] + value in head.words ? word(field[3] + value) : value.replaceAll("_", " ");
    if (field[1] === "list") return name(value.map(member).join(", "));
    return field[1] === "name" || field[1] === "person" ? name(member(value)) : value;
  }

  // -- the whole page --

  async function show(change = {}, toTop = false) {
    Object.assign(state, change);
    const turn = (state.turn += 1);
    document.documentElement.removeAttribute("data-ready");
    state.part = await load(state.subject);
    if (turn !== state.turn) return;
    for (const { view } of views) view.finalize();
    views = [];
    waiting = [];
    fillWords();
    fillPickers();
    const blocks = head.blocks.map((about) => blockElement(about)).filter(Boolean);
    const contents = make("details", { class: "contents" }, make("summary", {}, word("contents")),
      make("ul", {}, ...head.blocks.filter((about) => blockOf(about)).map((about) => make("li", {}, make("a", { href: `#block-${about.name}` }, both(head.words[titleKey(about)]))))));
    byId("page").replaceChildren(headOf(), tilesOf(), contents,
      make("div", { class: "blocks" }, trendOf(), ...blocks),
      make("footer", { class: "foot" }, make("p", {}, word("dispute", { as_of: head.as_of }).replaceAll("`", "")), make("p", {}, word("private", { email: head.viewer.email }))));
    if (toTop) {
      window.scrollTo(0, 0);
      byId("figures").focus({ preventScroll: true });
    }
    await drawCharts(turn);
    if (turn === state.turn) document.documentElement.setAttribute("data-ready", "");
  }

  // For paper charts are drawn anew in one width, then shrunk by the style sheet to the size of the text beside them.
  const PAPER = { mini: 320, chart: PAPER_WIDTH };
  function redraw(widthOf) {
    for (const { view, box } of views) view.width(widthOf(box)).run();
  }
  addEventListener("beforeprint", () => redraw((box) => (box.closest(".minis") ? PAPER.mini : PAPER.chart)));
  addEventListener("afterprint", () => redraw((box) => box.clientWidth));

  const step = (by) => head.months[head.months.findIndex((one) => one.month === state.month) + by];
  byId("subject").addEventListener("change", (event) => show({ subject: event.target.value }));
  byId("month").addEventListener("change", (event) => show({ month: event.target.value }));
  byId("before").addEventListener("click", () => show({ month: step(-1).month }));
  byId("after").addEventListener("click", () => show({ month: step(1).month }));
  byId("print").addEventListener("click", () => window.print());
  byId("rows-close").addEventListener("click", () => byId("rows").close());
  byId("rows").addEventListener("click", (event) => { if (event.target === byId("rows")) byId("rows").close(); });
  for (const one of document.querySelectorAll("button[data-lang]")) one.addEventListener("click", () => show({ lang: one.dataset.lang }));

  // For checks of the page: which specifications were drawn.
  globalThis.kpiPage = { specs: () => views.map(({ spec }) => spec), head, part: () => state.part };
  show();
})();
