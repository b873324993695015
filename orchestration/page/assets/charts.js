"use strict";
// Turns the cells of a table into Vega-Lite specifications.
// Belongs here: marks, scales and colours. Not here: any figure; values are read from the table's own cells.

const COLOURS = ["#1f5fa8", "#9db4cc", "#c2741a", "#4d8f6a", "#7a5aa6", "#b0413e"];
const ORDINAL = ["#c9d9ea", "#9dbbd9", "#6f9bc6", "#4179b0", "#17467f"];

// "1,234.5%*" as 1234.5; null for a dash or a blank.
function numberOf(cell) {
  const text = String(cell).replace(/[,%*]/g, "").trim();
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

function baseSpec(values, height) {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    data: { values },
    width: "container",
    height,
    config: {
      aria: false,
      background: "transparent",
      font: 'Segoe UI, system-ui, -apple-system, Roboto, Noto Sans, Helvetica Neue, Arial, DejaVu Sans, sans-serif',
      view: { stroke: null },
      axis: { labelColor: "#1b2430", titleColor: "#52606f", gridColor: "#e8ecf0", domainColor: "#b6c0cb", tickColor: "#b6c0cb", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
      legend: { labelColor: "#1b2430", labelFontSize: 12, title: null, orient: "top", symbolType: "square", columns: 3, labelLimit: 180 },
      range: { category: COLOURS },
    },
  };
}

// Charts are laid out for a screen or for paper, whichever has less room.
const PAPER_WIDTH = 430;
const room = (width) => Math.min(width, PAPER_WIDTH);

function labelAxis(width) {
  return { title: null, labelLimit: Math.max(80, Math.round(room(width) * 0.42)), ticks: false, domain: false, labelPadding: 6 };
}

// How wide the names beside the bars are, at most.
const namesWidth = (labels, width) => Math.min(Math.max(...labels.map((label) => label.length)) * 6.6 + 10, room(width) * 0.42);

// As many names beside each other as there is room for above the bars.
function legendFor(names, width, labels) {
  const longest = Math.max(...names.map((name) => name.length)) * 7.4 + 36;
  return { columns: Math.max(1, Math.min(names.length, Math.floor((room(width) - namesWidth(labels, width)) / longest))) };
}

// From the least value to beyond the greatest, so that the longest text fits behind the longest bar.
function domainOf(rows, width, letter) {
  const longest = Math.max(...rows.map((row) => row.text.length)) * letter + 6;
  const names = namesWidth(rows.map((row) => row.label), width);
  const share = Math.min(longest / Math.max(room(width) - names, 60), 0.9);
  const most = Math.max(0, ...rows.map((row) => row.value)) || 1;
  const least = Math.min(0, ...rows.map((row) => row.value));
  return [least, least + (most - least) / (1 - share)];
}

// One bar per row, its own cell's text at the end.
function barsSpec(rows, width) {
  const spec = baseSpec(rows, 24 * rows.length);
  spec.encoding = {
    y: { field: "label", type: "nominal", sort: null, axis: labelAxis(width) },
    x: { field: "value", type: "quantitative", axis: null, scale: { domain: domainOf(rows, width, 7), nice: false } },
  };
  spec.layer = [
    { mark: { type: "bar", color: COLOURS[0], height: { band: 0.68 } } },
    { mark: { type: "text", align: "left", dx: 4, color: "#1b2430", fontSize: 12 },
      encoding: { text: { field: "text", type: "nominal" }, x: { field: "end", type: "quantitative" } } },
  ];
  for (const row of rows) row.end = Math.max(row.value, 0);
  return spec;
}

// Several bars per row, one for each column; the first stands out unless the columns are days in their order.
function groupedSpec(rows, width, series, isOrdered) {
  const step = series.length > 3 ? 9 : 13;
  const labels = new Set(rows.map((row) => row.label)).size;
  const spec = baseSpec(rows, labels * (series.length * step + 9));
  const colours = isOrdered ? ORDINAL.slice(-series.length) : COLOURS.slice(0, series.length);
  spec.encoding = {
    y: { field: "label", type: "nominal", sort: null, axis: labelAxis(width), scale: { paddingInner: 0.22, paddingOuter: 0.11 } },
    yOffset: { field: "series", type: "nominal", sort: series },
    x: { field: "value", type: "quantitative", axis: null, scale: { domain: domainOf(rows, width, step < 12 ? 5.5 : 6.5), nice: false } },
  };
  spec.layer = [
    { mark: { type: "bar" }, encoding: { color: { field: "series", type: "nominal", sort: series, scale: { domain: series, range: colours }, legend: legendFor(series, width, rows.map((row) => row.label)) } } },
    { mark: { type: "text", align: "left", dx: 3, color: "#1b2430", fontSize: step < 12 ? 9 : 11 },
      encoding: { text: { field: "text", type: "nominal" }, x: { field: "end", type: "quantitative" } } },
  ];
  for (const row of rows) row.end = Math.max(row.value, 0);
  return spec;
}

// A line per row over the columns, each point a share of the row's first cell.
function sharesSpec(rows, width, steps, names) {
  const spec = baseSpec(rows, 210);
  spec.encoding = {
    x: { field: "step", type: "ordinal", sort: steps, axis: { title: null, labelAngle: 0, labelLimit: Math.max(50, room(width) / steps.length), labelOverlap: false } },
    y: { field: "value", type: "quantitative", axis: { title: null, labelExpr: "datum.value + '%'", tickCount: 5 }, scale: { domain: [0, 100] } },
    color: { field: "series", type: "nominal", sort: names, scale: { domain: names, range: ["#17467f", "#c2741a", "#4d8f6a", "#7a5aa6", "#b0413e", "#6b7784"] }, legend: legendFor(names, width, ["100%"]) },
  };
  spec.mark = { type: "line", point: { size: 40 }, strokeWidth: 2 };
  return spec;
}

// Percentages beside a mark at 100%.
function ratesSpec(rows, width) {
  const spec = barsSpec(rows, width);
  spec.encoding.x.scale.domain = domainOf([...rows, { ...rows[0], value: 100 }], width, 7.5);
  // The mark has no row of its own, so each layer of the bars says its rows itself.
  const { y } = spec.encoding;
  delete spec.encoding.y;
  for (const layer of spec.layer) layer.encoding = { ...layer.encoding, y };
  spec.layer[1].mark = { ...spec.layer[1].mark, align: "right", dx: 0 };
  spec.layer[1].encoding.x = { value: "width" };
  spec.layer.push({ data: { values: [{ goal: 100 }] }, mark: { type: "rule", color: "#a2231d", strokeWidth: 2, strokeDash: [4, 3] },
    encoding: { x: { field: "goal", type: "quantitative" } } });
  return spec;
}

// Thousands, millions and billions of an axis in the reader's language.
function shortNumber([thousand, million, billion]) {
  const cut = (size, unit) => `format(datum.value / ${size}, '~r') + '${unit}'`;
  return `abs(datum.value) >= 1e9 ? ${cut("1e9", billion)} : abs(datum.value) >= 1e6 ? ${cut("1e6", million)} : abs(datum.value) >= 1e4 ? ${cut("1e3", thousand)} : format(datum.value, ',')`;
}

// One figure month by month; the month looked at stands out.
function trendSpec(rows, units) {
  const spec = baseSpec(rows, 90);
  spec.encoding = {
    x: { field: "month", type: "ordinal", sort: null,
      axis: { title: null, labelAngle: 0, labelOverlap: true, labelFlush: true, values: rows.map((row) => row.month).filter((month) => /-(01|04|07|10)$/.test(month)),
        labelExpr: "substring(datum.value, 5, 7) === '01' ? substring(datum.value, 0, 4) : substring(datum.value, 5, 7)", ticks: false, labelFontSize: 11 } },
    y: { field: "value", type: "quantitative", axis: { title: null, tickCount: 3, labelExpr: shortNumber(units), labelFontSize: 11, domain: false, ticks: false } },
    color: { field: "chosen", type: "nominal", legend: null, scale: { domain: [true, false], range: [COLOURS[0], "#a9bfd6"] } },
  };
  spec.mark = { type: "bar", width: { band: 0.75 } };
  return spec;
}
