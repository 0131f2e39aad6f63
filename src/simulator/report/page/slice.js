'use strict';
// The rows of the sweep, and the slice of them that charts show: fabrics and speeds vary, every
// other axis has the value chosen. A fabric that has one value of an axis only (a fat-tree has no
// degree) is in every slice of that axis.

const sweep = data.sweep;
const rows = sweep ? sweep.rows : [];
const fabrics = unique(rows.map((row) => row.fabric))
  .sort((a, b) => fabricOrder(a) - fabricOrder(b));
const speeds = unique(rows.map((row) => row.gbps)).sort((a, b) => a - b);

// --- The slice ---

/// By fabric, the axes of which it has several values.
const variety = Object.fromEntries(fabrics.map((fabric) => [fabric, new Set()]));
(() => {
  const first = {};
  for (const row of rows) {
    first[row.fabric] ??= row.values;
    row.values.forEach((value, axis) => {
      if (value !== first[row.fabric][axis]) variety[row.fabric].add(axis);
    });
  }
})();

/// Axes to choose a value of, and the value: the study's first that has rows.
const slice = new Map();
if (sweep) {
  sweep.axes.forEach((axis, i) => {
    if (['fabric', 'bandwidth'].includes(axis.flag)) return;
    const used = unique(rows.map((row) => row.values[i])).sort((a, b) => a - b);
    if (used.length > 1) slice.set(i, used[0]);
  });
}

function inSlice(row, but) {
  for (const [axis, value] of slice) {
    if (axis !== but && row.values[axis] !== value && variety[row.fabric].has(axis)) return false;
  }
  return true;
}

function sliceName(but) {
  const parts = [];
  for (const [axis, value] of slice) {
    if (axis === but) continue;
    const {flag, values} = sweep.axes[axis];
    parts.push((flag === 'model' ? '' : flag.replaceAll('-', ' ') + ' ') + shown(values[value]));
  }
  return parts.join(', ') || rows[0].model;
}

const byFabric = (a, b) => fabricOrder(a.fabric) - fabricOrder(b.fabric);
