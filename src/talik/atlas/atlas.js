"use strict";
/* The atlas: one state (what is shown, which site is chosen), drawn into maps, panel and table.
   Text from data only ever becomes text nodes; there is no innerHTML in this file. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const sites = data.sites, all = [...Array(data.n).keys()];
  const byId = (id) => document.getElementById(id);
  const quantity = Object.fromEntries(data.quantities.map((q) => [q.name, q]));
  /* A site may be called "constructor": tables by name inherit nothing */
  for (const table of [quantity, data.looks, data.years, data.values, data.contributions, data.files, data.rejected, data.series.sites]) Object.setPrototypeOf(table, null);
  const state = { colour: "", size: "", shown: all, chosen: null, sort: null, down: false };
  let source = null, figures = null, quiet = false;

  function make(tag, attributes = {}, ...children) {
    const svg = ["svg", "line", "circle", "text", "polyline", "rect"].includes(tag);
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }
  const minus = (text) => String(text).replace(/^-/, "−");
  const rounded = (value, places = 2) => minus(Number(value).toFixed(places));
  function written(name, value) {
    if (value === null || value === undefined) return "–";
    if (typeof value !== "number") return String(value);
    const q = quantity[name], part = partOf(name);
    if (part) return (part[1] === "n" ? String(value) : minus(+value.toPrecision(2)) + " " + quantity[part[0]].unit);
    if (LENGTHS[name]) return minus(+value.toPrecision(3)) + " m";
    return minus(q && (q.unit === "°C" || q.unit === "m" && Math.abs(value) < 30) ? value.toFixed(2) : +value.toPrecision(6))
      + (q && q.unit ? " " + q.unit : "");
  }
  const NAMES = { alt_printed_cm: "Active layer thickness as printed (cm)", ttop_method: "TTOP found by" };
  const PARTS = { n: "years", sd: "SD between years", uncertainty: "standard uncertainty" };
  const LENGTHS = { air_height: "Height of the air sensor", surface_depth: "Depth of the surface sensor", ttop_depth: "Depth of TTOP", alt_lower: "Thawed in every year to", alt_upper: "Thawed in no year beyond" };
  function partOf(name) {
    const match = /^(.+)_(n|sd|uncertainty)$/.exec(name);
    return match && quantity[match[1]] ? [match[1], match[2]] : null;
  }
  /* "alt_n" where alt has no value at any site tells nothing */
  const idle = (name) => /_(n|sd|uncertainty)$/.test(name) && !partOf(name) && data.columns.includes(name.replace(/_[a-z]+$/, ""));
  const words = (name) => partOf(name) ? `${quantity[partOf(name)[0]].symbol || quantity[partOf(name)[0]].label}: ${PARTS[partOf(name)[1]]}` : LENGTHS[name] || NAMES[name] || plain(name);
  const plain = (name) => quantity[name] ? quantity[name].label : (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");
  const value = (name, k) => sites[name] ? sites[name][k] : null;
  const flagsOf = (k) => String(value("flags", k) ?? "").split(";").map((f) => f.trim()).filter(Boolean);
  const counted = (n) => `${n} site${n === 1 ? "" : "s"}`;
  const siteName = (k) => String(sites.site[k] ?? "") || `site ${k + 1}`;

  /* Controls */
  function options(select, entries) {
    select.replaceChildren(...entries.map(([key, text]) => make("option", { value: key }, text)));
  }
  function setControls() {
    const kinds = data.quantities.map((q) => [q.name, q.symbol ? `${q.label} (${q.symbol})` : q.label]);
    options(byId("colour"), [...kinds, ...(sites.region ? [["region", "Region"]] : [])]);
    options(byId("size"), [["", "the same for all"], ...kinds]);
    for (const name of data.classes) {
      const select = make("select", { id: `class-${name}`, "data-class": name });
      const known = [...new Set(sites[name].filter((v) => v !== null && v !== ""))].sort();
      options(select, [["*", "all"], ...known.map((v) => ["=" + v, v]),
        ...(sites[name].some((v) => v === null || v === "") ? [["", "not given"]] : [])]);
      byId("classes").append(make("label", {}, words(name), select));
    }
    const often = new Map();
    for (const k of all) for (const flag of flagsOf(k)) often.set(flag, (often.get(flag) || 0) + 1);
    options(byId("flag"), [["*", "all"], ["", "none"], ["+", "any"],
      ...[...often].sort().map(([flag, n]) => ["=" + flag, `${flag} (${n})`])]);
    state.colour = byId("colour").value;
    for (const id of ["colour", "size"]) byId(id).addEventListener("change", () => { state[id] = byId(id).value; paint(); });
    for (const select of document.querySelectorAll("#controls select:not(#colour):not(#size)")) select.addEventListener("change", filter);
    byId("search").addEventListener("input", filter);
    byId("reset").addEventListener("click", () => {
      for (const select of document.querySelectorAll("#controls select:not(#colour):not(#size)")) select.value = "*";
      byId("search").value = "";
      filter();
    });
    byId("download").addEventListener("click", () => save(csv(state.shown), `${data.study}-sites.csv`));
  }
  const haystack = all.map((k) => data.columns.map((c) => typeof sites[c][k] === "string" ? sites[c][k] : "").join(" ").toLowerCase());
  function filter() {
    const wanted = byId("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const classes = [...document.querySelectorAll("[data-class]")].map((s) => [s.dataset.class, s.value]).filter(([, v]) => v !== "*");
    const flag = byId("flag").value;
    state.shown = all.filter((k) => wanted.every((word) => haystack[k].includes(word))
      && classes.every(([name, v]) => (sites[name][k] ? "=" + sites[name][k] : "") === v)
      && (flag === "*" || (flag === "" ? !flagsOf(k).length : flag === "+" ? flagsOf(k).length > 0 : flagsOf(k).includes(flag.slice(1)))));
    paint();
    list();
    steps();
  }

  /* Maps */
  function colourOf(k) {
    if (state.colour === "region") return (data.looks[sites.region[k]] || { colour: "#808080" }).colour;
    const q = quantity[state.colour], v = q ? value(q.name, k) : null;
    if (v === null) return "rgba(128,128,128,0.55)";
    const palette = data.palettes[q.kind], t = (v - q.low) / (q.high - q.low);
    return palette[Math.max(0, Math.min(palette.length - 1, Math.round(t * (palette.length - 1))))];
  }
  function sizeOf(k) {
    const q = quantity[state.size];
    if (!q) return 11;
    const v = value(q.name, k);
    if (v === null) return 5;
    const t = q.kind === "signed" ? Math.abs(v) / q.high : (v - q.low) / (q.high - q.low);
    return 7 + 15 * Math.sqrt(Math.max(0, Math.min(1, t)));
  }
  function paint() {
    legend();
    const inside = new Set(state.shown);
    for (const name of data.maps) {
      const node = document.querySelector(`[data-count="${name}"]`);
      if (source) node.textContent = counted(state.shown.filter((k) => Number.isFinite(source.data["x_" + name][k])).length);
    }
    for (const note of document.querySelectorAll("[data-whole]")) note.hidden = state.shown.length === data.n;
    if (!source) return;
    const told = (k) => [state.colour, state.size].filter((name, n, both) => quantity[name] && both.indexOf(name) === n)
      .map((name) => `${quantity[name].symbol || quantity[name].label}: ${written(name, value(name, k))}`).join("; ") || "–";
    const size = all.map((k) => inside.has(k) ? sizeOf(k) : NaN);   // without a size a marker is neither drawn nor hit
    source.data = { ...source.data, colour: all.map(colourOf), size, shown: all.map(told) };
    for (const dots of figures.dots) dots.data = { ...dots.data, size: Array.from(dots.data.number, (n) => inside.has(n) ? 7 : NaN) };
    byId("count").textContent = `${state.shown.length} of ${data.n} sites`;
    const lost = state.shown.filter((k) => value("latitude", k) === null || value("longitude", k) === null).length;
    byId("unplaced").textContent = lost ? `${lost} of the sites shown have no coordinates and are only in the table.` : "";
  }
  function legend() {
    const box = byId("legend"), q = quantity[state.colour];
    const parts = [];
    if (q) {
      const mid = (q.low + q.high) / 2;
      parts.push(make("span", {}, q.label + (q.unit ? ` (${q.unit})` : "")),
        make("span", { class: "bar", role: "img", "aria-label": `Colours from ${q.low.toPrecision(3)} to ${q.high.toPrecision(3)}` }),
        make("span", { class: "ends" }, make("span", {}, (q.below ? "≤ " : "") + minus(+q.low.toPrecision(3))),
          make("span", {}, minus(+mid.toPrecision(3))), make("span", {}, (q.above ? "≥ " : "") + minus(+q.high.toPrecision(3)))));
      parts[1].style.background = `linear-gradient(to right, ${data.palettes[q.kind].join(",")})`;
    } else {
      parts.push(make("span", { class: "keys" }, ...Object.entries(data.looks).map(([name, look]) => {
        const dot = make("i");
        dot.style.background = look.colour;
        return make("span", { class: "key" }, dot, name);
      })));
    }
    if (state.size) parts.push(make("span", { class: "soft" }, `Larger: more ${quantity[state.size].label.toLowerCase()}${quantity[state.size].kind === "signed" ? ", of either sign" : ""}. Smallest: no value.`));
    box.replaceChildren(...parts);
  }

  /* One site is chosen, everywhere */
  function choose(k, others = []) {
    state.chosen = k;
    quiet = true;
    if (source) source.selected.indices = k === null ? [] : [k];
    for (const dots of figures ? figures.dots : []) {
      dots.selected.indices = k === null ? [] : Array.from(dots.data.number, (n, i) => n === k ? i : -1).filter((i) => i >= 0);
    }
    quiet = false;
    panel(others);
    byId("told").textContent = k === null ? "No site chosen" : `Chosen: ${siteName(k)}`;
    Station.show(k);
    for (const row of byId("sites").tBodies[0].rows) row.setAttribute("aria-selected", String(Number(row.dataset.site) === k));
    history.replaceState(null, "", k === null ? location.pathname + location.search : "#site=" + encodeURIComponent(siteName(k)));
  }
  function step(by) {
    if (!state.shown.length) return;
    const at = state.shown.indexOf(state.chosen);
    choose(state.shown[(at < 0 ? (by > 0 ? 0 : state.shown.length - 1) : at + by + state.shown.length) % state.shown.length]);
  }
  function steps() {
    for (const button of byId("panel").querySelectorAll("[data-step]")) button.disabled = !state.shown.length;
  }
  function panel(others = []) {
    const k = state.chosen, box = byId("panel");
    const back = make("button", { type: "button", "data-step": "-1", "aria-label": "Previous site" }, "←");
    const on = make("button", { type: "button", "data-step": "1", "aria-label": "Next site" }, "→");
    const focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.step : null;
    const bar = make("div", { class: "steps" }, back, on);
    back.addEventListener("click", () => step(-1));
    on.addEventListener("click", () => step(1));
    if (k === null) {
      box.replaceChildren(bar, make("h2", {}, "No site chosen"), make("p", { class: "soft" }, "Choose one on a map or in the table."));
    } else {
      const close = make("button", { type: "button" }, "Close"), keep = make("button", { type: "button" }, "Download (CSV)");
      close.addEventListener("click", () => choose(null));
      keep.addEventListener("click", () => save(csv([k]), `${data.study}-site-${k + 1}.csv`));
      bar.append(close, keep);
      box.replaceChildren(bar, ...head(k), ...nearby(k, others), ...offsets(k), ...toSeries(k), ...years(k), ...flags(k), ...values(k), ...drivers(k), ...origin(k));
    }
    if (focused) box.querySelector(`[data-step="${focused}"]`).focus();
    steps();
  }
  function head(k) {
    const where = [...new Set([value("region", k), value("subregion", k), value("basin", k)].filter(Boolean))].join(" · ");
    const lat = value("latitude", k), lon = value("longitude", k), near = value("coordinate_precision_km", k);
    const place = lat === null || lon === null ? "no coordinates"
      : `${Math.abs(lat).toFixed(3)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon).toFixed(3)}° ${lon < 0 ? "W" : "E"}${near ? `, known to ${near} km` : ""}`;
    return [make("h2", {}, siteName(k)), make("p", { class: "soft" }, where), make("p", { class: "soft" }, place)];
  }
  function nearby(k, others) {
    const rest = others.filter((n) => n !== k);
    if (!rest.length) return [];
    const buttons = rest.map((n) => {
      const button = make("button", { type: "button" }, siteName(n));
      button.addEventListener("click", () => choose(n, others));
      return button;
    });
    return [make("p", { class: "soft" }, "At the same place on this map:"), make("div", { class: "steps" }, ...buttons)];
  }
  function offsets(k) {
    const height = value("air_height", k), thin = value("surface_depth", k), deep = value("ttop_depth", k), length = (m) => m < 1 ? `${+(100 * m).toPrecision(3)} cm` : `${+m.toPrecision(3)} m`;
    const levels = [["maat", height ? `Air, ${length(height)}` : "Air"], ["magst", thin ? `Sensor at ${length(thin)}` : "Surface"],
      ["ttop", value("ttop_method", k) !== "stated depth" ? "Permafrost top" : deep === null ? "Deep sensor" : `Sensor at ${length(deep)}`]].map(([n, text], row) => [value(n, k), text, n, row]);
    const known = levels.filter(([v]) => v !== null);
    if (!known.length) return [];
    const low = Math.min(0, ...known.map(([v]) => v)) - 1, high = Math.max(0, ...known.map(([v]) => v)) + 1;
    const x = (v) => 120 + 145 * (v - low) / (high - low), y = (row) => 22 + 34 * row;
    const drawn = make("svg", { viewBox: "0 0 340 122", role: "img", "aria-label": "Mean annual temperatures: " + known.map(([v, text, n]) => `${text} ${written(n, v)}`).join(", ") });
    drawn.append(make("line", { x1: x(0), x2: x(0), y1: 6, y2: 102, class: "rule" }), make("text", { x: x(0), y: 116, "text-anchor": "middle", class: "soft" }, "0 °C"));
    const path = make("polyline", { points: known.map(([v, , , row]) => `${x(v)},${y(row)}`).join(" "), fill: "none", "stroke-width": 2 });
    path.style.stroke = "var(--accent)";
    drawn.append(path);
    for (const [v, text, n, row] of levels) {
      drawn.append(make("text", { x: 0, y: y(row) + 4, class: "soft" }, text));
      if (v === null) { drawn.append(make("text", { x: x(0) + 8, y: y(row) + 4, class: "soft" }, "no value")); continue; }
      const dot = make("circle", { cx: x(v), cy: y(row), r: 5 });   // the value stands apart: a line before it would read as a minus
      dot.style.fill = "var(--accent)";
      drawn.append(dot, make("text", { x: 340, y: y(row) + 4, "text-anchor": "end" }, written(n, v)));
    }
    const told = ["surface_offset", "thermal_offset"].filter((n) => sites[n]).map((n) => `${quantity[n] ? quantity[n].symbol || n : n} ${written(n, value(n, k))}`).join(" · ");
    return [drawn, make("p", {}, make("strong", {}, told))];
  }
  function toSeries(k) {
    if (!data.series.sites[String(sites.site[k])]) return [];
    const button = make("button", { type: "button" }, "Series, depth by time, trumpet ↓");
    button.addEventListener("click", () => byId("series").scrollIntoView());
    return [button];
  }
  function years(k) {
    const found = data.years[String(sites.site[k])];
    if (!found) return [];
    const parts = [make("h3", {}, "By year")], both = ["surface_offset", "thermal_offset"];
    const drawnYears = found.year.filter((_, i) => both.some((name) => found[name] && found[name][i] !== null)), first = drawnYears[0], last = drawnYears[drawnYears.length - 1];
    for (const name of both) {
      const v = found[name];
      if (!v || !v.some((one) => one !== null)) continue;
      const known = v.flatMap((one, i) => one === null ? [] : [found.year[i]]), t = found.year;
      const u = found[name + "_uncertainty"] || [];
      const ends = v.flatMap((one, i) => one === null ? [] : [one - 2 * (u[i] || 0), one + 2 * (u[i] || 0)]);
      const low = Math.min(0, ...ends), high = Math.max(0, ...ends), span = high - low || 1;
      const x = (year) => 46 + 270 * (last > first ? (year - first) / (last - first) : 0.5), y = (one) => 30 + 68 * (high - one) / span;
      const drawn = make("svg", { viewBox: "0 0 340 122", role: "img", "aria-label": `${words(name)} by year, ${known.length} years` });
      drawn.append(make("line", { x1: 34, x2: 334, y1: y(0), y2: y(0), class: "rule" }), make("text", { x: 0, y: 11 }, `${words(name)} (°C), bars: ± 2 standard uncertainties`),
        make("text", { x: 0, y: y(high) + 4, class: "soft" }, rounded(high, 1)), make("text", { x: 0, y: y(low) + 4, class: "soft" }, rounded(low, 1)),
        make("text", { x: x(first), y: 116, "text-anchor": "middle", class: "soft" }, String(first)));
      if (last > first) drawn.append(make("text", { x: x(last), y: 116, "text-anchor": "middle", class: "soft" }, String(last)));
      v.forEach((one, i) => {
        if (one === null) return;
        if (u[i]) drawn.append(make("line", { x1: x(t[i]), x2: x(t[i]), y1: y(one - 2 * u[i]), y2: y(one + 2 * u[i]), class: "axis" }));
        const dot = make("circle", { cx: x(t[i]), cy: y(one), r: 3.5 });
        dot.style.fill = "var(--accent)";
        drawn.append(dot);
      });
      parts.push(drawn);
    }
    const missing = (found.reason || []).map((why, i) => why ? `${found.year[i]}: ${why}` : "").filter(Boolean);
    if (missing.length) parts.push(make("details", {}, make("summary", {}, `Why values are missing (${missing.length} years)`), make("ul", {}, ...missing.map((text) => make("li", {}, text)))));
    return parts;
  }
  function flags(k) {
    const codes = flagsOf(k), reasons = String(value("flag_reasons", k) ?? "").split(" | ");
    return [make("h3", {}, "Flags"), ...(codes.length ? codes.map((code, i) => make("p", { class: "flag" }, make("strong", {}, code), reasons[i] ? " " + reasons[i] : ""))
      : [make("p", { class: "soft" }, "None on the means.")]), ...rejected(k)];
  }
  function rejected(k) {
    const name = String(sites.site[k]), found = data.rejected[name] || [];
    if (!data.series.sites[name] && !found.length) return [];
    const share = (s) => s < 0.001 ? "< 0.1 %" : `${+(100 * s).toPrecision(2)} %`;
    const rows = found.map(([column, all, parts]) => [make("dt", {}, column, make("small", {}, parts.map(([flag, s]) => `${flag} ${share(s)}`).join("; "))), make("dd", {}, share(all))]);
    return [make("h3", {}, "Rejected of each sensor"), rows.length ? make("dl", {}, ...rows.slice(0, 6).flat()) : make("p", { class: "soft" }, "Nothing."),
      ...(rows.length > 6 ? [make("details", {}, make("summary", {}, `${rows.length - 6} more sensors`), make("dl", {}, ...rows.slice(6).flat()))] : [])];
  }
  const SKIPPED = new Set(["site", "site_no", "latitude", "longitude", "coordinate_precision_km", "region", "subregion", "basin", "flags", "flag_reasons", "cluster", "cluster_from"]);
  function values(k) {
    const shown = data.columns.filter((c) => !SKIPPED.has(c) && !idle(c) && !/_(source|from|original|recomputed)$/.test(c) && (quantity[c] || value(c, k) !== null && value(c, k) !== ""));
    const rows = shown.map((c) => {
      const told = (data.values[String(sites.site[k])] || {})[c];
      const from = [["_from", "from "], ...(told ? [] : [["_source", ""]]), ["_original", "as given: "], ["_recomputed", "recomputed: "]]
        .map(([ending, before]) => value(c + ending, k) === null || value(c + ending, k) === "" ? "" : before + (ending === "_recomputed" ? written(c, value(c + ending, k)) : value(c + ending, k)))
        .concat(told || "").filter(Boolean).join("; ");
      const v = value(c, k), text = written(c, v);
      return [make("dt", {}, words(c), make("small", {}, from)), make("dd", {}, text, v === null ? make("small", {}, "not in the table") : "")];
    });
    const extra = [["coordinate_source", "Coordinates from"]].filter(([c]) => value(c, k)).map(([c, text]) => make("p", { class: "soft" }, `${text}: ${value(c, k)}`));
    if (value("cluster", k) !== null) extra.push(make("p", { class: "soft" }, `Cluster ${value("cluster", k)}: ${sites.cluster.filter((c) => c === value("cluster", k)).length} of the sites`));
    return [make("h3", {}, "Values and where they come from"), make("dl", {}, ...rows.flat()), ...extra];
  }
  function drivers(k) {
    const found = (data.contributions[String(sites.site[k])] || []);
    if (!found.length) return [];
    const rows = found.slice(0, 8).map(([response, driver, v, unit, c]) => [make("dt", {}, driver, make("small", {}, `${response}; value ${v === null ? "missing" : minus(v) + (unit && unit !== "1" ? " " + unit : "")}`)), make("dd", {}, (c > 0 ? "+" : "") + rounded(c) + " °C")]);
    return [make("h3", {}, "Contributions, as published"), make("dl", {}, ...rows.flat()), make("p", { class: "soft" }, "Of the published model at this site. See Drivers for how far it can be trusted.")];
  }
  function origin(k) {
    const files = Object.entries(data.files[String(sites.site[k])] || {});
    const read = files.length ? [make("details", {}, make("summary", {}, `Logger files (${files.length}) and their sha256`), make("ul", {}, ...files.map(([file, digest]) => make("li", { class: "digest" }, `${file}: ${digest}`))))] : [];
    return [make("h3", {}, "Provenance"), make("p", { class: "soft" }, `Study ${data.study}, profile ${data.profile ?? "–"}, from ${data.source ?? "–"}; made ${data.made ?? "–"} by talik ${data.version}. sha256 of the table of sites: ${data.sha256 ?? "–"}.`), ...read];
  }

  /* Table */
  const COLUMNS = ["site", "region", "subregion", "vegetation", "soil", "maat", "magst", "ttop", "surface_offset", "thermal_offset", "alt", "flags"]
    .filter((c) => c === "site" || data.columns.includes(c) && sites[c].some((v) => v !== null && v !== ""));
  function header() {
    byId("sites").tHead.replaceChildren(make("tr", {}, ...COLUMNS.map((c) => {
      const button = make("button", { type: "button" }, quantity[c] ? (quantity[c].symbol || quantity[c].label) + (quantity[c].unit ? ` (${quantity[c].unit})` : "") : words(c));
      button.addEventListener("click", () => { state.down = state.sort === c && !state.down; state.sort = c; list(); });
      return make("th", { scope: "col", class: quantity[c] ? "number" : "", "data-column": c }, button);
    })));
  }
  function list() {
    const order = [...state.shown];
    if (state.sort) {
      const key = (k) => value(state.sort, k), empty = (v) => v === null || v === "";
      order.sort((a, b) => {
        const va = key(a), vb = key(b);
        if (empty(va) || empty(vb)) return empty(va) - empty(vb);
        const c = typeof va === "number" && typeof vb === "number" ? va - vb : String(va).localeCompare(String(vb));
        return state.down ? -c : c;
      });
    }
    for (const th of byId("sites").tHead.rows[0].cells) th.setAttribute("aria-sort", th.dataset.column !== state.sort ? "none" : state.down ? "descending" : "ascending");
    byId("sites").tBodies[0].replaceChildren(...order.map((k) => {
      const row = make("tr", { "data-site": k, "aria-selected": String(k === state.chosen) }, ...COLUMNS.map((c) => {
        if (c !== "site") {
          const v = value(c, k);
          return make("td", { class: quantity[c] ? "number" : "" }, v === null ? "–" : typeof v === "number" ? rounded(v) : String(v).replaceAll(";", "; "));
        }
        const button = make("button", { type: "button" }, siteName(k));
        button.addEventListener("click", () => choose(k));
        return make("td", {}, button);
      }));
      return row;
    }));
  }
  for (const bar of document.querySelectorAll("[data-table]")) {
    const table = bar.closest("details").querySelector("table"), rows = [...table.tBodies[0].rows], select = bar.querySelector("select"), search = bar.querySelector("input");
    const sift = () => {
      const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = select && select.value !== "" && row.cells[Number(select.dataset.column)].textContent !== select.value || !wanted.every((word) => text.includes(word));
      }
      bar.querySelector("output").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
    };
    for (const control of [select, search]) if (control) control.addEventListener("input", sift);
    bar.querySelector("button").addEventListener("click", () => save(lines([table.tHead.rows[0], ...rows.filter((row) => !row.hidden)]
      .map((row) => [...row.cells].map((one) => one.textContent.replace(/^−(?=[\d.])/, "-")))), `${data.study}-shown-${bar.dataset.table}`));
    sift();
  }

  /* Files: text that a spreadsheet would run as a formula is preceded by an apostrophe */
  function cell(v) {
    if (v === null || v === undefined) return "";
    if (typeof v === "number" || typeof v === "boolean") return String(v);
    const text = /^[=+\-@\t\r]/.test(v) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(v) ? "'" + v : v;
    return /[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }
  const csv = (rows) => lines([data.columns, ...rows.map((k) => data.columns.map((c) => sites[c][k]))]);
  const lines = (rows) => rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
  function save(text, name) {
    const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" })), download: name.replace(/[^\w.-]+/g, "_") });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  /* Theme */
  const device = matchMedia("(prefers-color-scheme: dark)");
  let theme = "device";
  function dress() {
    const dark = theme === "dark" || theme === "device" && device.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    byId("theme").textContent = "Theme: " + (theme === "device" ? "as the device" : theme);
    if (!figures) return;
    const ink = dark ? "#e6edf3" : "#1b1f24", soft = dark ? "#a3aeb9" : "#57606a";
    for (const model of figures.inked) {
      if (model.tags.includes("ink")) for (const name of ["line_color", "fill_color"]) if (name in model.properties) model[name] = { value: ink };
      for (const [name, colour] of [["title_text_color", ink], ["axis_label_text_color", ink], ["major_label_text_color", ink], ["axis_line_color", soft], ["major_tick_line_color", soft], ["minor_tick_line_color", null], ["text_color", ink], ["grid_line_color", soft]]) {
        if (name in model.properties && model.type !== "Text") model[name] = colour;
      }
      if (model.type === "Text") model.text_color = { value: soft };
    }
  }
  byId("theme").addEventListener("click", () => { theme = { device: "dark", dark: "light", light: "device" }[theme]; dress(); });
  device.addEventListener("change", dress);

  /* Start */
  const pause = () => new Promise((go) => setTimeout(go, 0));
  async function draw(part) {
    if (!part.items[0].root_ids.length) return [];
    await Bokeh.embed.embed_items(part.documents, part.items);
    return [...Bokeh.documents[Bokeh.documents.length - 1]._all_models.values()];
  }
  /* A slow click is a click: after 300 ms Bokeh would call it a press, which chooses nothing */
  function patient() {
    try { Bokeh.require("core/ui_gestures").UIGestures.press_threshold = 2 ** 31 - 1; } catch { /* a Bokeh without it: only quick clicks choose */ }
  }
  /* Resolves when every figure has its last size: a frame passes, all have drawn, and no box has moved since */
  async function settled() {
    const frame = () => new Promise((go) => requestAnimationFrame(go));
    const boxes = () => [...document.querySelectorAll(".draw")].map((box) => { const r = box.getBoundingClientRect(); return [r.top + scrollY, r.width, r.height]; }).join();
    for (let before = null; ; ) {
      await frame();
      const now = boxes();
      if (now === before && Bokeh.documents.every((one) => one.is_idle) && !document.querySelector("[aria-busy=true]")) return;
      before = now;
    }
  }
  async function drawMaps() {
    const models = await draw(data.bokeh[0]);
    source = models.find((m) => m.name === "sites");
    figures = { dots: [], inked: models.filter(inked) };
    source.selected.properties.indices.change.connect(() => {
      if (quiet) return;
      const hit = [...source.selected.indices];
      choose(hit.length ? hit[0] : null, hit);
    });
  }
  async function drawCharts() {
    const models = await draw(data.bokeh[1]);
    figures.dots = models.filter((m) => m.tags && m.tags.includes("contributions"));
    figures.inked.push(...models.filter(inked));
    for (const dots of figures.dots) dots.selected.properties.indices.change.connect(() => {
      if (!quiet && dots.selected.indices.length) choose(dots.data.number[dots.selected.indices[0]]);
    });
  }
  async function drawStation() {
    const models = await draw(data.bokeh[2]);
    if (!models.length) return;
    figures.inked.push(...models.filter(inked));
    Station.start(data, { make, rounded, siteName, models, chosen: () => state.chosen, save: (rows, name) => save(lines(rows), name),
      figure: (name) => models.find((m) => m.type === "Figure" && m.name === name) });
    Station.show(state.chosen);
  }
  const inked = (model) => ["LinearAxis", "DatetimeAxis", "Title", "Text", "Grid", "ColorBar"].includes(model.type) || model.tags.includes("ink");
  function fromAddress() {
    const match = /^#site=(.*)$/.exec(location.hash);
    if (!match) return;
    let wanted = "";
    try { wanted = decodeURIComponent(match[1]); } catch { return; }
    const k = all.find((n) => siteName(n) === wanted);
    if (k !== undefined && k !== state.chosen) choose(k);
  }
  document.addEventListener("keydown", (event) => {
    if (event.target.closest && event.target.closest("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest && event.target.closest(".scroll") && event.key.startsWith("Arrow")) return;
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "Escape" && state.chosen !== null) choose(null);
  });
  setControls();
  header();
  panel();
  dress();
  filter();
  addEventListener("hashchange", fromAddress);
  (async () => {
    try {
      await pause();
      patient();
      await drawMaps();
      dress();
      paint();
      fromAddress();
      document.documentElement.dataset.ready = "yes";
      await pause();
      await drawStation();
      dress();
      await pause();
      await drawCharts();
      dress();
      paint();
      if (state.chosen !== null || data.n === 1) choose(state.chosen ?? 0);
      await settled();
      document.documentElement.dataset.charts = "yes";
    } catch (error) {
      byId("fault").hidden = false;
      byId("fault").textContent = `Not everything could be drawn (${error}). The tables hold all values.`;
      fromAddress();
    }
  })();
})();
