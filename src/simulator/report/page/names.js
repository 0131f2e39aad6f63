'use strict';
// What is drawn over charts: numbers behind bars, names beside points and at the ends of lines,
// whiskers. No text lies on another: each takes a free place, as far from its mark as it has to be,
// with a line to it. What was placed is kept with the chart as .placed, [{text, box}].

/// Text with a rim of the paper's colour; `box` is [left, top, right, bottom].
function writeIn(pen, text, box, colour = theme().ink) {
  pen.lineWidth = 3;
  pen.lineJoin = 'round';
  pen.strokeStyle = theme().paper;
  pen.fillStyle = colour;
  pen.textBaseline = 'middle';
  pen.strokeText(text, box[0], (box[1] + box[3]) / 2);
  pen.fillText(text, box[0], (box[1] + box[3]) / 2);
}

function whisker(pen, [x, y], [u, v], cap) {
  const across = x === u;  // upright, so caps lie
  for (const [width, colour] of [[4, theme().paper], [1.5, theme().ink]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.beginPath();
    for (const [a, b] of [[x, y], [u, v]]) {
      pen.moveTo(a - (across ? cap : 0), b - (across ? 0 : cap));
      pen.lineTo(a + (across ? cap : 0), b + (across ? 0 : cap));
    }
    pen.moveTo(x, y);
    pen.lineTo(u, v);
    pen.stroke();
  }
}

/// Texts behind the ends of horizontal bars, and behind their whiskers.
const barEnds = {
  id: 'barEnds',
  afterDatasetsDraw(drawn, _, {texts, ends: whiskers, halves}) {
    if (!texts) return;
    const pen = drawn.ctx;
    pen.save();
    pen.font = nameFont();
    drawn.placed = texts.map((text, i) => {
      let end = 0;
      for (let d = 0; d < drawn.data.datasets.length; ++d) {
        const bar = drawn.getDatasetMeta(d).data[i];
        if (bar) end = Math.max(end, bar.x);
      }
      const y = drawn.getDatasetMeta(0).data[i].y;
      if (halves[i] > 0) {
        const [low, high] = whiskers[i].map((value) => drawn.scales.x.getPixelForValue(value));
        whisker(pen, [low, y], [high, y], 5);
        end = Math.max(end, high);
      }
      const box = [end + 6, y - 8, end + 6 + pen.measureText(text).width, y + 8];
      writeIn(pen, text, box);
      return {text, box};
    });
    pen.restore();
  },
};

/// Whiskers of points whose raw value has a `half`; below the points.
const pointWhiskers = {
  id: 'pointWhiskers',
  beforeDatasetsDraw(drawn) {
    if (drawn.config.type !== 'scatter') return;
    drawn.data.datasets.forEach((set, d) => set.data.forEach(({y, half}, i) => {
      if (!(half > 0)) return;
      const {x} = drawn.getDatasetMeta(d).data[i];
      const [low, high] = ends(y, half).map((value) => drawn.scales.y.getPixelForValue(value));
      drawn.ctx.save();
      whisker(drawn.ctx, [x, low], [x, high], 9);
      drawn.ctx.restore();
    }));
  },
};

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/// Places of a name `width` wide around a point, the nearest first: [dx, dy] of its left and middle.
function placesAround(width) {
  const places = [[8, -14], [8, 15], [-width / 2, -19], [-8 - width, -14], [-8 - width, 15], [-width / 2, 19]];
  for (let far = 30; far <= 150; far += 15) {
    for (const dy of [-far, far]) {
      places.push([8, dy], [-width / 2, dy], [-8 - width, dy], [far, dy], [-far - width, dy]);
    }
    places.push([far, 0], [-far - width, 0]);
  }
  return places;
}

/// Names beside points.
const pointNames = {
  id: 'pointNames',
  afterDatasetsDraw(drawn, _, {names}) {
    if (!names) return;
    const pen = drawn.ctx;
    const {left, right, top, bottom} = drawn.chartArea;
    pen.save();
    pen.font = nameFont();
    const marks = drawn.data.datasets.flatMap((set, d) => {
      const points = drawn.getDatasetMeta(d).data;
      if (!set.isFront) {
        return points.map(({x, y}, i) => {
          const {y: value, half} = set.data[i];
          const [low, high] = ends(value, half).map((one) => drawn.scales.y.getPixelForValue(one));
          return [x - 6, Math.min(y - 6, high - 2), x + 6, Math.max(y + 6, low + 2)];
        });
      }
      // The steps: across at the height of the point before, then down.
      return points.slice(1).flatMap(({x, y}, i) =>
        [[points[i].x, points[i].y - 2, x, points[i].y + 2], [x - 2, points[i].y, x + 2, y]]);
    });
    drawn.placed = [];
    const taken = [...marks];  // and then names, with their lines
    for (const {x, y, text} of names) {
      const at = {x: drawn.scales.x.getPixelForValue(x), y: drawn.scales.y.getPixelForValue(y)};
      const width = pen.measureText(text).width;
      const boxes = placesAround(width).map(([dx, dy]) =>
        [at.x + dx, at.y + dy - 8, at.x + dx + width, at.y + dy + 8]);
      const isFree = (box) => box[0] >= left && box[2] <= right + 24 && box[1] >= top - 12 &&
        box[3] <= bottom && !taken.some((other) => overlap(box, other)) &&
        !leaderBoxes(at, box).some((part) => drawn.placed.some((one) => overlap(part, one.box)));
      const box = boxes.find(isFree);
      if (!box) continue;  // the tooltip and the table have it
      drawn.placed.push({text, box});
      taken.push(box, ...leaderBoxes(at, box));
      leader(pen, at, box);
      writeIn(pen, text, box);
    }
    pen.restore();
  },
};

/// Where the line from a name to its mark begins; null where the name is beside it.
function leaderStart(at, box) {
  const x = Math.min(Math.max(at.x, box[0]), box[2]);
  const y = Math.min(Math.max(at.y, box[1]), box[3]);
  return Math.hypot(x - at.x, y - at.y) < 20 ? null : {x, y};
}

/// Small boxes along that line.
function leaderBoxes(at, box) {
  const start = leaderStart(at, box);
  if (!start) return [];
  return Array.from({length: 16}, (_, i) => {
    const [x, y] = [start.x + (at.x - start.x) * (i + 0.5) / 16, start.y + (at.y - start.y) * (i + 0.5) / 16];
    return [x - 2, y - 2, x + 2, y + 2];
  });
}

function leader(pen, at, box) {
  const start = leaderStart(at, box);
  if (!start) return;
  const {x, y} = start;
  pen.lineWidth = 1;
  pen.strokeStyle = theme().soft;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(at.x, at.y);
  pen.stroke();
}

/// Names at the right of lines, from the top down, moved apart; of lines that end at one place, a
/// name each, below each other.
const lineNames = {
  id: 'lineNames',
  afterDatasetsDraw(drawn, _, {names}) {
    if (!names) return;
    const pen = drawn.ctx;
    const {right, top, bottom} = drawn.chartArea;
    const height = 15;
    const ended = names.map(({text, colour, x, y}) => ({text, colour,
      x: drawn.scales.x.getPixelForValue(x), y: drawn.scales.y.getPixelForValue(y)}))
      .sort((a, b) => a.y - b.y);
    const ys = ended.map(({y}) => y);
    for (let i = 1; i < ys.length; ++i) ys[i] = Math.max(ys[i], ys[i - 1] + height);
    // What was pushed below the bottom goes up again.
    for (let i = ys.length - 1, most = bottom - 4; i >= 0; --i, most -= height) {
      ys[i] = Math.max(top, Math.min(ys[i], most));
    }
    pen.save();
    pen.font = nameFont();
    drawn.placed = ended.map(({text, colour, x, y}, i) => {
      const box = [right + 14, ys[i] - 7, right + 14 + pen.measureText(text).width, ys[i] + 7];
      pen.lineWidth = 1;
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.moveTo(x + 4, y);
      pen.lineTo(right + 12, ys[i]);
      pen.stroke();
      writeIn(pen, text, box);
      return {text, box};
    });
    pen.restore();
  },
};

Chart.register(barEnds, pointWhiskers, pointNames, lineNames);
