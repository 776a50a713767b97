"use strict";
/* The series of the chosen site: series with what was rejected, depth by time, trumpet. Text only becomes text nodes. */
const Station = (() => {
  const DAY = 86400000, MISSING = -32768, ROWS = 96, GREEN = "#009E73";
  const COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F6FC9", "#A6761D"], AIR = "#9A968C", DASHES = ["solid", "dashed", "dotted"];
  const MARKS = { SPIKE: ["triangle", "#D55E00"], STEP: ["square", "#6A3FC4"], FLAT: ["dash", "#B8860B"], DEPTH: ["diamond", "#009E73"],
    SOURCE: ["asterisk", "#E69F00"], DUPLICATE: ["cross", "#C2185B"], CLOCK: ["y", "#C2185B"] }, OTHER_MARK = ["x", "#C2185B"];
  const SIGNS = { triangle: "△", square: "□", dash: "–", diamond: "◇", asterisk: "✳", cross: "+", y: "Y", x: "×" };
  let data = null, tools = null, models = null, shown = null, picked = new Set(), year = null, turn = 0;
  const byId = (id) => document.getElementById(id);
  const named = (name) => models.find((m) => m.name === name);

  function numbers(text, scale) {
    const bytes = atob(text), found = new Float64Array(bytes.length / 2);
    for (let i = 0; i < found.length; i++) {
      const v = (bytes.charCodeAt(2 * i) | bytes.charCodeAt(2 * i + 1) << 8) << 16 >> 16;
      found[i] = v === MISSING ? NaN : v * scale;
    }
    return found;
  }
  function opened(packed) {
    const sensors = packed.sensors.map((s) => {
      const low = numbers(s.low, s.scale);
      return { ...s, low, high: s.high ? numbers(s.high, s.scale) : low, mean: s.mean ? numbers(s.mean, s.scale) : low };
    });
    const y = packed.years, read = (name) => y.year.length ? numbers(y[name], y.scale) : [];
    return { ...packed, sensors, years: { year: y.year, low: read("low"), mean: read("mean"), high: read("high") } };
  }
  const at = (column, step = shown.step) => (shown.first + column * step) * DAY;
  const isAir = (s) => s.depth !== null && s.depth < 0;

  /* Which sensors: air, and up to three from the shallowest to the deepest of those with most days */
  function usual(s) {
    const ground = s.profile.length ? s.profile : s.sensors.map((_, k) => k).filter((k) => s.sensors[k].days && !isAir(s.sensors[k]));
    const n = Math.min(3, ground.length), some = Array.from({ length: n }, (_, i) => ground[Math.round(i * (ground.length - 1) / Math.max(n - 1, 1))]);
    return new Set([...s.sensors.flatMap((one, k) => isAir(one) && one.days ? [k] : []).slice(0, 1), ...some]);
  }
  /* Eight colours; from the ninth sensor on the same colours dashed, then dotted */
  function lookOf(k) {
    const ground = shown.sensors.map((_, i) => i).filter((i) => !isAir(shown.sensors[i])), first = [...usual(shown)];
    if (isAir(shown.sensors[k])) return { colour: AIR, dash: "solid" };
    const n = [...first.filter((i) => ground.includes(i)), ...ground.filter((i) => !first.includes(i))].indexOf(k);
    return { colour: COLOURS[n % COLOURS.length], dash: DASHES[Math.floor(n / COLOURS.length) % DASHES.length] };
  }
  function choices() {
    const make = tools.make;
    byId("sensors").replaceChildren(make("legend", {}, "Sensors"), ...shown.sensors.map((s, k) => {
      const box = make("input", { type: "checkbox", value: k }), swatch = make("i", { class: "swatch" });
      box.checked = picked.has(k);
      swatch.style.borderTop = `.3rem ${lookOf(k).dash} ${lookOf(k).colour}`;
      box.addEventListener("change", () => { box.checked ? picked.add(k) : picked.delete(k); drawSeries(); });
      return make("label", { class: "pick" }, box, swatch, s.name);
    }));
  }

  function drawSeries() {
    const xs = [], ys = [], colour = [], dash = [], name = [];
    let low = Infinity, high = -Infinity;
    for (const k of [...picked].sort((a, b) => a - b)) {
      const s = shown.sensors[k], x = [], y = [];
      for (let i = 0; i < s.low.length; i++) {
        const start = at(s.at + i), width = shown.step * DAY;
        x.push(start + 0.25 * width, start + 0.75 * width);
        y.push(s.low[i], s.high[i]);
        if (s.low[i] < low) low = s.low[i];
        if (s.high[i] > high) high = s.high[i];
      }
      xs.push(x); ys.push(y); colour.push(lookOf(k).colour); dash.push(lookOf(k).dash); name.push(s.name);
    }
    if (!(low <= high)) [low, high] = [-1, 1];
    const margin = 0.08 * Math.max(high - low, 1);
    named("series-lines").data = { xs, ys, colour, dash, name };
    drawMarks(low - margin / 2, high + margin / 2);
    range(tools.figure("series").y_range, low - margin, high + margin);
  }
  /* A rejected value beyond the good ones stands at the edge, so that one −999 does not flatten the rest */
  function drawMarks(low, high) {
    const rows = { x: [], y: [], marker: [], colour: [], told: [], value: [] }, seen = new Map();
    for (const [column, k, bits, least, most] of shown.marks) {
      if (!picked.has(k)) continue;
      for (const [bit, flag] of Object.entries(data.flag_names)) {
        if (!(bits & Number(bit))) continue;
        const [marker, colour] = MARKS[flag] || OTHER_MARK;
        seen.set(flag, [marker, colour]);
        for (const v of least === most ? [least] : [least, most]) {
          const t = at(column, shown.mark_step) + 0.5 * shown.mark_step * DAY;
          rows.x.push(t); rows.y.push(Math.max(low, Math.min(high, v))); rows.marker.push(marker); rows.colour.push(colour);
          rows.value.push(tools.rounded(v) + " °C");
          rows.told.push(`${flag.toLowerCase()}, ${shown.sensors[k].name}, ${new Date(at(column, shown.mark_step)).toISOString().slice(0, 10)}${shown.mark_step > 1 ? ` and the ${shown.mark_step - 1} days after` : ""}`);
        }
      }
    }
    named("series-marks").data = rows;
    const keys = [...seen].map(([flag, [marker, colour]]) => {
      const sign = tools.make("i", { class: "sign" }, SIGNS[marker]);
      sign.style.color = colour;
      return tools.make("span", { class: "key" }, sign, flag.toLowerCase());
    });
    byId("rejected").replaceChildren(...(keys.length ? ["Rejected: ", ...keys, tools.make("span", { class: "soft" }, "Values beyond the good ones stand at the edge.")]
      : ["No rejected value at these sensors."]));
  }

  /* Straight lines between neighbouring sensors of one column of time; blank where one of the two has no value */
  function drawDepths() {
    const chain = shown.profile.map((k) => shown.sensors[k]), box = byId("depth-time-box");
    box.hidden = chain.length < 2;
    if (box.hidden) return;
    const first = Math.min(...chain.map((s) => s.at)), last = Math.max(...chain.map((s) => s.at + s.mean.length)), n = last - first;
    const top = chain[0].depth, deep = chain[chain.length - 1].depth, field = new Float32Array(ROWS * n), sizes = [];
    const grid = chain.map((s) => {
      const row = new Float64Array(n).fill(NaN);
      row.set(s.mean, s.at - first);
      for (const v of s.mean) if (v === v) sizes.push(Math.abs(v));
      return row;
    });
    for (let row = 0, j = 0; row < ROWS; row++) {
      const z = top + (row + 0.5) / ROWS * (deep - top);
      while (j < chain.length - 2 && chain[j + 1].depth < z) j++;
      const w = (z - chain[j].depth) / (chain[j + 1].depth - chain[j].depth), above = grid[j], below = grid[j + 1];
      for (let i = 0, k = row * n; i < n; i++, k++) field[k] = (1 - w) * above[i] + w * below[i];
    }
    const sorted = Float64Array.from(sizes).sort(), reach = sorted.length ? Math.max(sorted[Math.floor(0.99 * (sorted.length - 1))], 0.1) : 1;
    Object.assign(named("depth-time-colours"), { low: -reach, high: reach });
    const source = named("depth-time-field"), Field = source.data.image[0].constructor;
    source.data = { image: [new Field(field, [ROWS, n])], x: [at(first)], y: [top], dw: [n * shown.step * DAY], dh: [deep - top] };
    named("depth-time-zero").data = isotherm(chain, grid, first, n);
    range(tools.figure("depth-time").y_range, deep, top);
  }
  /* Between four neighbouring values (two sensors, two columns) the line of 0 °C crosses two or four of the edges */
  function isotherm(chain, grid, first, n) {
    const rows = { x0: [], y0: [], x1: [], y1: [], width: [] }, width = n * shown.step > 15 * 365 ? 0.5 : 1.2;
    for (let j = 0; j < chain.length - 1; j++) for (let i = 0; i < n - 1; i++) {
      const [a, b, c, d] = [grid[j][i], grid[j][i + 1], grid[j + 1][i + 1], grid[j + 1][i]], cold = (a < 0) + (b < 0) + (c < 0) + (d < 0);
      if (cold === 0 || cold === 4 || Number.isNaN(a + b + c + d)) continue;
      const z = [chain[j].depth, chain[j + 1].depth], t = [at(first + i + 0.5), at(first + i + 1.5)], hits = [];
      const corners = [[t[0], z[0], a], [t[1], z[0], b], [t[1], z[1], c], [t[0], z[1], d]];
      for (let e = 0; e < 4; e++) {
        const [xa, ya, va] = corners[e], [xb, yb, vb] = corners[(e + 1) % 4];
        if ((va < 0) !== (vb < 0)) { const w = va / (va - vb); hits.push([xa + w * (xb - xa), ya + w * (yb - ya)]); }
      }
      for (let h = 0; h + 1 < hits.length; h += 2) {
        rows.x0.push(hits[h][0]); rows.y0.push(hits[h][1]); rows.x1.push(hits[h + 1][0]); rows.y1.push(hits[h + 1][1]); rows.width.push(width);
      }
    }
    return rows;
  }

  function years(k) {
    const y = shown.years, make = tools.make, select = byId("trumpet-year");
    const depths = y.year.map((_, i) => shown.profile.filter((_, j) => !Number.isNaN(y.mean[i * shown.profile.length + j])).length);
    const drawable = y.year.filter((_, i) => depths[i] >= 2), most = Math.max(0, ...depths);
    byId("trumpet-box").hidden = !drawable.length;
    byId("trumpet-none").hidden = Boolean(drawable.length);
    if (!drawable.length) return;
    select.replaceChildren(...drawable.map((one) => make("option", { value: one }, one)));
    year = [...y.year].reverse().find((one) => depths[y.year.indexOf(one)] === most);
    select.value = year;
    drawTrumpet(k);
  }
  function drawTrumpet(k) {
    const y = shown.years, row = y.year.indexOf(Number(byId("trumpet-year").value)), n = shown.profile.length;
    const rows = { depth: [], low: [], mean: [], high: [], name: [] };
    shown.profile.forEach((which, j) => {
      const i = row * n + j;
      if (Number.isNaN(y.mean[i])) return;
      rows.depth.push(shown.sensors[which].depth); rows.low.push(y.low[i]); rows.mean.push(y.mean[i]); rows.high.push(y.high[i]);
      rows.name.push(shown.sensors[which].name);
    });
    named("trumpet-years").data = rows;
    const low = Math.min(...rows.low), high = Math.max(...rows.high), wide = Math.max(Math.abs(low), Math.abs(high), 0.5);
    const left = Math.min(low - 0.05 * (high - low), -0.1 * wide), right = Math.max(high + 0.05 * (high - low), 0.1 * wide);
    const deep = rows.depth[rows.depth.length - 1], found = table(k, y.year[row]), bottom = Math.max(deep, found.depth || 0, found.to || 0);
    const bracket = found.from !== null && found.to !== null;
    named("trumpet-table").data = bracket ? { x: [(left + right) / 2], y: [(found.from + found.to) / 2], width: [right - left], height: [found.to - found.from] }
      : { x: [], y: [], width: [], height: [] };
    named("trumpet-top").data = found.depth === null ? { left: [], right: [], depth: [] } : { left: [left], right: [right], depth: [found.depth] };
    range(tools.figure("trumpet").x_range, left, right);
    range(tools.figure("trumpet").y_range, 1.03 * bottom, -0.03 * bottom);
    byId("trumpet-told").textContent = found.told;
  }
  /* The top of permafrost: the active layer of that year, else the depth at which TTOP was taken */
  function table(k, when) {
    const all = data.years[String(data.sites.site[k])] || { year: [] }, i = all.year.indexOf(when);
    const of = (name) => i < 0 || !all[name] ? null : all[name][i] ?? null;
    if (of("alt") !== null) {
      const from = of("alt_lower"), to = of("alt_upper");
      return { depth: of("alt"), from, to, told: `Green: active layer ${of("alt").toFixed(2)} m${from === null || to === null ? "" : `, between ${from.toFixed(2)} and ${to.toFixed(2)} m`}.` };
    }
    const depth = of("ttop_depth");
    return { depth, from: null, to: null, told: depth === null ? "Active layer of this year: not known." : `Green: depth of the sensor taken as top of permafrost, ${depth} m. Active layer: not known.` };
  }

  function range(model, start, end) {
    model.setv({ start, end, reset_start: start, reset_end: end });
  }
  function time() {
    const there = shown.sensors.filter((s) => s.low.length), ground = there.filter((s) => !isAir(s));
    const some = ground.length ? ground : there;
    const from = some.length ? Math.min(...some.map((s) => s.at)) : 0, to = some.length ? Math.max(...some.map((s) => s.at + s.low.length)) : 1;
    const margin = 0.01 * (to - from);
    range(tools.figure("series").x_range, at(from - margin), at(to + margin));
  }
  function told(packed) {
    const each = packed.step === 1 ? "Every day is drawn." : `Drawn: the lowest and highest daily mean of each ${packed.step} days; by depth and time their mean, blank where fewer than half of the days have a value.`;
    const more = packed.step === 1 ? "" : ` All days: ${packed.file} in the results folder, or the API of talik serve.`;
    const bare = packed.none.length ? ` Without any value: ${packed.none.join(", ")}.` : "";
    const many = packed.mark_step > packed.step ? ` A mark of a rejected value stands for up to ${packed.mark_step} days.` : "";
    return `${each}${more} ${packed.rejected} daily values were rejected in part or whole.${many}${bare}`;
  }
  function clear() {
    for (const name of ["series-lines", "series-marks", "depth-time-zero", "trumpet-years"]) {
      const source = named(name);
      source.data = Object.fromEntries(Object.keys(source.data).map((key) => [key, []]));
    }
  }

  /* Rows of what is drawn */
  function rows() {
    const day = (column, by, end = 0) => new Date(at(column, by) + end * DAY).toISOString().slice(0, 10), lines = [["first_day", "last_day", "column", "depth", "lowest", "highest", "rejected"]];
    for (const s of shown.sensors) s.low.forEach((v, i) => {
      if (v === v) lines.push([day(s.at + i, shown.step), day(s.at + i + 1, shown.step, -1), s.name, s.depth, +v.toFixed(2), +s.high[i].toFixed(2), ""]);
    });
    for (const [column, k, bits, least, most] of shown.marks) {
      const flags = Object.entries(data.flag_names).filter(([bit]) => bits & Number(bit)).map(([, flag]) => flag).join("|");
      lines.push([day(column, shown.mark_step), day(column + 1, shown.mark_step, -1), shown.sensors[k].name, shown.sensors[k].depth, least, most, flags]);
    }
    return lines;
  }

  return {
    start(known, given) {
      [data, tools, models] = [known, given, given.models];
      byId("trumpet-year").addEventListener("change", () => drawTrumpet(tools.chosen()));
      byId("series-download").addEventListener("click", () => tools.save(rows(), `${data.study}-series-${tools.chosen() + 1}.csv`));
    },
    show(k) {
      const box = byId("series");
      if (!box || !models) return;
      const site = k === null ? null : String(data.sites.site[k]), packed = site === null ? undefined : data.series.sites[site];
      byId("series-body").classList.toggle("away", !packed);
      byId("series-title").textContent = site === null ? "Series" : `Series of ${tools.siteName(k)}`;
      byId("series-none").textContent = packed ? "" : site === null ? `Choose a site: ${Object.keys(data.series.sites).length} of ${data.n} have series.`
        : data.series.left_out.includes(site) ? "Too many series for one page; this one was left out. Its days are in the results folder and in the API of talik serve."
        : "This site has no series.";
      const mine = ++turn;
      box.setAttribute("aria-busy", String(Boolean(packed)));
      if (!packed) { clear(); return; }
      shown = opened(packed);
      picked = usual(shown);
      choices();
      byId("series-told").textContent = told(packed);
      requestAnimationFrame(() => setTimeout(() => {      // the panel is on the screen before the figures are drawn
        if (mine !== turn) return;
        time(); drawSeries(); drawDepths(); years(k);
        box.setAttribute("aria-busy", "false");
      }));
    },
  };
})();
