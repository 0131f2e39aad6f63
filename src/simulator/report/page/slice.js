'use strict';
// The rows of the sweep, and the slice of them that charts show: fabrics and speeds vary, every
// other axis has the value chosen. A fabric that has one value of an axis only (a fat-tree has no
// degree) is in every slice of that axis. Where seeds are an axis, their mean can be chosen, and is.

const sweep = data.sweep;
const rows = sweep ? sweep.rows : [];
const seeds = sweep ? sweep.seeds : undefined;  // {axis, most, means}; means are rows with .of, .half
const fabrics = unique(rows.map((row) => row.fabric))
  .sort((a, b) => fabricOrder(a) - fabricOrder(b));
const speeds = unique(rows.map((row) => row.gbps)).sort((a, b) => a - b);

const MEAN = -1;  // in place of a value of the seeds' axis

/// Half the width of an interval of a mean; null of a single row.
const halfOf = (row, key) => row.half ? row.half[key] : null;

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

const usedValues = (axis) => unique(rows.map((row) => row.values[axis])).sort((a, b) => a - b);

/// Axes to choose a value of, and the value: the study's first that has rows.
const slice = new Map();
if (sweep) {
  sweep.axes.forEach((axis, i) => {
    if (['fabric', 'bandwidth'].includes(axis.flag)) return;
    const used = usedValues(i);
    if (used.length > 1) slice.set(i, seeds && seeds.axis === i ? MEAN : used[0]);
  });
}

/// To choose from for an axis: [value, text].
function valueChoices(axis) {
  const single = usedValues(axis).map((value) => [value, shown(sweep.axes[axis].values[value])]);
  return seeds && seeds.axis === axis ? [[MEAN, meanName()], ...single] : single;
}

const meanName = () => `mean of ${seeds.most}`;

/// The rows of the slice: means, where these are chosen. `but`: an axis that varies.
function sliceRows(but) {
  const areMeans = seeds && slice.get(seeds.axis) === MEAN && but !== seeds.axis;
  return (areMeans ? seeds.means : rows).filter((row) => {
    for (const [axis, value] of slice) {
      if (axis === but || value === MEAN) continue;
      if (row.values[axis] !== value && variety[row.fabric].has(axis)) return false;
    }
    return true;
  });
}

function sliceName(but) {
  const parts = [];
  for (const [axis, value] of slice) {
    if (axis === but) continue;
    const {flag, values} = sweep.axes[axis];
    parts.push(value === MEAN ? `${meanName()} seeds with its 95 % interval` :
      (flag === 'model' ? '' : flag.replaceAll('-', ' ') + ' ') + shown(values[value]));
  }
  return parts.join(', ') || rows[0].model;
}

const byFabric = (a, b) => fabricOrder(a.fabric) - fabricOrder(b.fabric);
