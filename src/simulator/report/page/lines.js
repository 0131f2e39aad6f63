'use strict';
// Sensitivity: lines over one axis.

const MEASURES = {
  seconds: ['Time of an iteration', (row) => row.seconds, times, tickTimes],
  tokens: ['Tokens per second', (row) => row.tokens, plains, tickPlains],
  perf: ['Performance per $ against fat-tree', (row) => row.perf, factors, tickFactors],
  cost: ['Cost of the cluster', (row) => row.cost, monies, tickMonies],
};

function lineAxes() {
  if (!sweep) return [];
  const axes = sweep.axes.flatMap((axis, i) => {
    if (!axis.numbers || axis.flag === 'bandwidth') return [];
    return slice.has(i) ? [{index: i, flag: axis.flag, unit: axis.unit,
      x: (row) => axis.numbers[row.values[i]]}] : [];
  });
  if (speeds.length > 1) {
    axes.unshift({index: -1, flag: 'bandwidth', unit: 'Gb/s', x: (row) => row.gbps});
  }
  // A seed has no order: last.
  return axes.sort((a, b) => (a.flag === 'seed') - (b.flag === 'seed'));
}

/// The axis across: ticks where there are points, as far as their texts have room.
function acrossPoints(axis, places) {
  const across = axisOf(places, title(axis.flag), tickQuantities(axis.unit));
  const isLog = across.type === 'logarithmic';
  const [first, last] = [places[0], places.at(-1)];
  return {...across, min: isLog ? first / 1.1 : first, max: isLog ? last * 1.1 : last,
    grace: 0, offset: false,
    afterBuildTicks: (scale) => { scale.ticks = places.map((value) => ({value})); },
    ticks: {callback: (x) => quantity(x, axis.unit), maxRotation: 0, autoSkipPadding: 8}};
}

function drawLines(box, {axis, measure, gbps}) {
  clear(box);
  const [text, value, even, tickText] = MEASURES[measure];
  const half = (row) => halfOf(row, measure);
  const chosen = sliceRows(axis.index).filter((row) => value(row) !== null &&
    (axis.index < 0 || row.gbps === gbps));
  if (chosen.length === 0) return;
  const format = even(chosen.map(value));
  const places = unique(chosen.map(axis.x)).sort((a, b) => a - b);
  const options = commonOptions();
  options.scales = {x: acrossPoints(axis, places),
    y: axisOf(chosen.flatMap((row) => ends(value(row), half(row))), text, tickText, {least: 10})};
  options.interaction = {mode: 'nearest', axis: 'xy', intersect: false};
  options.plugins.tooltip.callbacks = {
    title: ([{raw}]) => `${raw.row.fabric}, ${quantity(axis.x(raw.row), axis.unit)}`,
    label: ({raw}) => ` ${text}: ${withHalf(format, raw.y, raw.half)}`,
  };
  const series = fabrics.map((fabric) => {
    const own = chosen.filter((row) => row.fabric === fabric).sort((a, b) => axis.x(a) - axis.x(b));
    const isFlat = own.length > 0 && axis.index >= 0 && !variety[fabric].has(axis.index);
    const points = isFlat ? places.map((x) => ({x, y: value(own[0]), half: null, row: own[0]})) :
      own.map((row) => ({x: axis.x(row), y: value(row), half: half(row), row}));
    return {fabric, isFlat, points};
  }).filter(({points}) => points.length > 0);
  const levels = levelsOf(series.map(({points}) => points.map(({x, y}) =>
    [shareOn(options.scales.x, x), shareOn(options.scales.y, y)])));
  // Beside the ends, where there is room for it.
  if (box.clientWidth >= 560) {
    options.plugins.lineNames = {names: series.map(({fabric, points}) =>
      ({text: fabric, colour: fabricLook(fabric).colour, x: points.at(-1).x, y: points.at(-1).y}))};
    options.layout = {padding: {right: 16 + widest(fabrics)}};
  }
  const sets = series.map(({fabric, isFlat, points}, i) => {
    const look = fabricLook(fabric);
    return {
      label: fabric, data: points, showLine: true, borderColor: look.colour,
      backgroundColor: look.colour, pointStyle: look.mark, clip: false,
      // What lies below is broad and without gaps, so that it is seen beside and through the upper.
      borderDash: levels[i] > 0 ? [] : look.dashes, borderWidth: 2 + 3.5 * levels[i],
      pointRadius: isFlat ? 0 : 5 + 3 * levels[i], pointBorderWidth: 2, pointHoverRadius: 8,
    };
  });
  chart(box, Math.min(420, Math.max(300, box.clientWidth * 0.45)),
      `Lines: ${text} over ${title(axis.flag)}, a line for each fabric`,
      {type: 'scatter', data: {datasets: sets}, options});
  box.append(alternative(`${text} over ${title(axis.flag)}`,
      [{title: 'Fabric'}, {title: title(axis.flag), even: quantities(axis.unit)}, {title: text, even},
        ...(chosen.some(half) ? [{title: '95 % interval, \u00b1', even}] : [])],
      () => [...chosen].sort((a, b) => byFabric(a, b) || axis.x(a) - axis.x(b)).map((row) =>
        [row.fabric, axis.x(row), value(row), ...(chosen.some(half) ? [half(row)] : [])])));
}
