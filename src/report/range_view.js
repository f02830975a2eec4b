/* Draws ranges of numbers as rows of cells, and zooms into them: ranges, the pieces in a range, the
 * blocks in a piece. Each figure carries its data as JSON; report/range_view.h has the members. */
"use strict";
(function () {
  const root = document.documentElement;
  const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const ROWS = 44, LABEL = 108, LEAST = 16, STEP = 16;
  const HINT = "Point to see what lies there; click to zoom in, Escape to zoom out.";

  const hex = (number, digits) => number.toString(16).padStart(digits, "0");
  function bytes(count) {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let unit = 0;
    while (count >= 999.5 && unit + 1 < units.length) { count /= 1000; unit++; }
    return (unit && count < 99.95 ? count.toFixed(1) : Math.round(count)) + " " + units[unit];
  }

  /* Index of the first item whose end lies beyond `at`. */
  function first(items, at) {
    let low = 0, high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (items[middle].end <= at) low = middle + 1; else high = middle;
    }
    return low;
  }

  function decode(data) {
    data.ranges = data.ranges.map((r) => ({
      start: r[0], end: r[1], style: data.styles[r[2]], held: r[3], used: r[4], label: data.labels[r[5]],
      chunk: r[6], chunks: r[7],
    }));
    data.pieces = data.pieces.map((p) => ({
      start: p[0], end: p[0] + p[1], first: p[0] + p[2], size: p[3], blocks: p[4], used: p[5], group: p[6],
      stride: p[7], bits: p[8],
    }));
    return data;
  }

  /* Whether a block is in use: true, false, or undefined where that was left out. */
  function isUsed(piece, block) {
    if (piece.used === piece.blocks) return true;
    if (!piece.bits) return undefined;
    const digit = parseInt(piece.bits[block >> 2], 16);
    return ((digit >> (block & 3)) & 1) === 1;
  }

  /* The block that holds `at`, -1 in the head or the rest of a piece. */
  function blockAt(piece, at) {
    const distance = at - piece.first;
    if (distance < 0) return -1;
    const group = Math.floor(distance / piece.stride), within = Math.floor((distance % piece.stride) / piece.size);
    const block = group * piece.group + within;
    return within < piece.group && block < piece.blocks ? block : -1;
  }

  /* Bytes in use in [start, end) of one piece. */
  function usedIn(piece, start, end) {
    if (!piece.bits && piece.used !== piece.blocks || end - start >= (piece.end - piece.start) / 2)
      return (piece.used * piece.size * (end - start)) / (piece.end - piece.start);
    let sum = 0;
    for (let at = start; at < end;) {
      const block = blockAt(piece, at);
      const place = piece.first + Math.floor(block / piece.group) * piece.stride + (block % piece.group) * piece.size;
      const next = block < 0 ? at + LEAST : Math.min(end, place + piece.size);
      if (block >= 0 && isUsed(piece, block)) sum += next - at;
      at = next;
    }
    return Math.min(sum, end - start);
  }

  /* Bytes of [start, end) of a range that are held. */
  function heldIn(range, start, end) {
    if (!range.chunk) return (range.held * (end - start)) / (range.end - range.start);
    let sum = 0;
    for (let at = start; at < end;) {
      const which = Math.floor((at - range.start) / range.chunk);
      const next = Math.min(end, range.start + (which + 1) * range.chunk);
      sum += ((next - at) * parseInt(range.chunks[which], 16)) / 15;
      at = next;
    }
    return sum;
  }

  /* What a cell shows: the style that holds most, and how much of it is in use, 0 to 1. */
  function cellOf(data, start, end) {
    const shares = new Map();
    for (let i = first(data.ranges, start); i < data.ranges.length && data.ranges[i].start < end; i++) {
      const range = data.ranges[i], from = Math.max(start, range.start), to = Math.min(end, range.end);
      const held = heldIn(range, from, to);
      const share = shares.get(range.style) || { mapped: 0, held: 0, used: 0 };
      share.mapped += to - from;
      share.held += held;
      share.used += range.used < 0 || !range.held ? held : (range.used * held) / range.held;
      shares.set(range.style, share);
    }
    let best = null, style = null;
    for (const [which, share] of shares)
      if (!best || share.held > best.held || (share.held === best.held && share.mapped > best.mapped)) {
        best = share;
        style = which;
      }
    if (!best) return null;
    if (best.held === 0) return { style, fill: 0 };
    if (!style.filled) return { style, fill: Math.min(1, best.held / (end - start)) };
    let used = 0, covered = 0;
    for (let i = first(data.pieces, start); i < data.pieces.length && data.pieces[i].start < end; i++) {
      const piece = data.pieces[i], from = Math.max(start, piece.start), to = Math.min(end, piece.end);
      used += usedIn(piece, from, to);
      covered += to - from;
    }
    const fill = style.pieces && data.pieces.length ? used / Math.max(best.held, covered) : best.used / best.held;
    return { style, fill: Math.max(0.02, Math.min(1, fill)) };
  }

  /* Rows of cells for [low, high): the smallest cells with which they are few enough. */
  function layout(data, low, high, columns) {
    const seen = data.ranges.filter((r) => r.end > low && r.start < high && !r.style.hidden);
    for (let cell = LEAST; ; cell *= 2) {
      const length = cell * columns, rows = [];
      let next = 0, lines = 0;
      for (const range of seen) {
        let row = Math.max(next, Math.floor(Math.max(range.start, low) / length));
        const last = Math.floor((Math.min(range.end, high) - 1) / length);
        if (last < row) continue;
        lines += last - row + 1;
        if (lines > ROWS * 2) break;
        for (; row <= last; row++) {
          const gap = rows.length && row > next ? (row - next) * length : 0;
          rows.push({ at: row * length, gap });
          if (gap) lines++;
          next = row + 1;
        }
      }
      if (lines <= ROWS || cell >= 2 ** 44) return { cell, rows, low, high };
    }
  }

  function describe(data, at, cell) {
    const digits = data.digits, range = data.ranges[first(data.ranges, at)];
    if (!range || range.start > at) return hex(at, digits) + "  free";
    let text = hex(range.start, digits) + "  " + range.style.name + (range.label ? ", " + range.label : "") +
      ", " + bytes(range.end - range.start) + ", " + bytes(range.held) + " in memory";
    if (range.used >= 0 && range.held) text += ", " + Math.round((100 * range.used) / range.held) + " % in use";
    const piece = data.pieces[first(data.pieces, at)];
    if (!piece || piece.start > at || cell > piece.end - piece.start) return text;
    text += "\n" + hex(piece.start, digits) + "  " + data.words.piece + " of " + piece.size + " B, " + piece.used +
      " of " + piece.blocks + " in use";
    const block = blockAt(piece, at);
    if (cell > piece.size * 4) return text;
    if (block < 0) return text + ", its head or end";
    const used = isUsed(piece, block);
    return text + ", " + data.words.block + " " + block + (used === undefined ? "" : used ? " in use" : " free");
  }

  function open(figure) {
    const data = decode(JSON.parse(figure.querySelector('script[type="application/json"]').textContent));
    const canvas = figure.querySelector("canvas"), info = figure.querySelector(".at");
    const where = figure.querySelector(".where"), out = figure.querySelector(".out"), all = figure.querySelector(".all");
    const end = data.ranges.length ? data.ranges[data.ranges.length - 1].end : 1;
    let views = [[0, end]], shown = null, columns = 128, width = 6, height = 12;

    function gapHeight(row) { return row.gap ? 15 : 0; }

    function draw() {
      const [low, high] = views[views.length - 1], room = figure.clientWidth - LABEL;
      columns = room >= 760 ? 128 : room >= 400 ? 64 : 32;
      width = Math.max(2, Math.floor(room / columns));
      shown = layout(data, low, high, columns);
      height = Math.max(10, Math.min(22, Math.floor(420 / Math.max(1, shown.rows.length))));
      const total = shown.rows.reduce((sum, row) => sum + height + gapHeight(row), 0) + 2;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = (LABEL + columns * width) * ratio;
      canvas.height = total * ratio;
      canvas.style.width = LABEL + columns * width + "px";
      canvas.style.height = total + "px";
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.clearRect(0, 0, canvas.width, canvas.height);
      const dim = style("--dim");
      let y = 0;
      for (const row of shown.rows) {
        pen.globalAlpha = 1;
        pen.fillStyle = dim;
        if (row.gap) {
          pen.font = "11px system-ui, sans-serif";
          pen.fillText("\u22ee " + bytes(row.gap), LABEL, y + 12);
          y += gapHeight(row);
        }
        row.y = y;
        pen.font = "11px 'DejaVu Sans Mono', ui-monospace, monospace";
        pen.fillText(hex(row.at, data.digits), 0, y + Math.min(height, 14) - 2);
        for (let column = 0; column < columns; column++) {
          const start = row.at + column * shown.cell;
          const cell = start + shown.cell > low && start < high ? cellOf(data, start, start + shown.cell) : null;
          if (!cell || cell.style.hidden) continue;
          pen.globalAlpha = cell.fill === 0 ? 0.13 : 0.25 + 0.75 * cell.fill;
          pen.fillStyle = cell.style.colour;
          pen.fillRect(LABEL + column * width, y, width - (width > 4 ? 1 : 0), height - 1);
        }
        y += height;
      }
      pen.globalAlpha = 1;
      const size = shown.cell < 1024 ? shown.cell + " B" : shown.cell < 1048576 ? shown.cell / 1024 + " KiB"
        : shown.cell / 1048576 + " MiB";
      where.textContent = (views.length === 1 ? "All of it" : hex(low, data.digits) + " to " + hex(high, data.digits)) +
        ", one cell is " + size;
      out.disabled = all.disabled = views.length === 1;
    }

    function addressAt(event) {
      const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
      const column = Math.floor((x - LABEL) / width);
      const row = shown.rows.find((r) => y >= r.y && y < r.y + height);
      return row && column >= 0 && column < columns ? row.at + column * shown.cell : -1;
    }

    function zoom(at) {
      const bytesShown = shown.rows.length * columns * shown.cell;
      let length = LEAST * columns;
      while (length * 2 <= bytesShown / STEP) length *= 2;
      if (length >= bytesShown) return;
      const low = Math.floor(at / length) * length;
      views.push([low, low + length]);
      draw();
    }

    canvas.addEventListener("mousemove", (event) => {
      const at = addressAt(event);
      info.textContent = at < 0 ? HINT : describe(data, at, shown.cell);
      canvas.style.cursor = at < 0 ? "default" : "zoom-in";
    });
    canvas.addEventListener("mouseleave", () => { info.textContent = HINT; });
    canvas.addEventListener("click", (event) => {
      const at = addressAt(event);
      if (at >= 0) zoom(at);
    });
    const back = () => { if (views.length > 1) { views.pop(); draw(); } };
    out.addEventListener("click", back);
    all.addEventListener("click", () => { views = [views[0]]; draw(); });
    figure.addEventListener("keydown", (event) => { if (event.key === "Escape" || event.key === "Backspace") back(); });
    window.addEventListener("resize", draw);
    new MutationObserver(draw).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    figure.querySelector(".legend").replaceChildren(...data.styles.filter((s) => s.text).map((s) => {
      const entry = document.createElement("span"), swatch = document.createElement("i");
      swatch.style.background = s.colour;
      entry.append(swatch, s.name + " ", Object.assign(document.createElement("b"), { textContent: s.text }));
      return entry;
    }));
    info.textContent = HINT;
    draw();
    /* For whoever drives the page from outside: #at=7f12a4c00000,7f12a4d00000 shows that range. */
    const wanted = /^#at=([0-9a-f]+),([0-9a-f]+)$/.exec(location.hash);
    if (wanted) { views.push([parseInt(wanted[1], 16), parseInt(wanted[2], 16)]); draw(); }
  }

  for (const figure of document.querySelectorAll("figure.ranges")) open(figure);
})();
