'use strict';
// The charts of a sweep.

// --- Iteration time and cost: bars, a panel for each speed ---

const usedParts = Object.keys(PARTS).filter((part) => rows.some((row) => row.parts[part] > 0));

function barPanels(panels, makeSets, value, format, text, describe, columns, cells) {
  clear(panels);
  const chosen = rows.filter((row) => inSlice(row) && value(row) !== null);
  const most = Math.max(...chosen.map(value));
  for (const gbps of speeds) {
    const bars = chosen.filter((row) => row.gbps === gbps).sort(byFabric);
    if (bars.length === 0) continue;
    const figure = element('figure', {},
        element('figcaption', {}, element('h3', {}, speed(gbps) + ' a NIC')));
    panels.append(figure);
    const options = commonOptions();
    Object.assign(options, {
      indexAxis: 'y',
      interaction: {mode: 'index', axis: 'y', intersect: false},
      scales: {
        x: {stacked: true, max: most, beginAtZero: true, title: {display: true, text},
          ticks: {callback: format, maxTicksLimit: 6,
            maxRotation: 0, includeBounds: false}},
        y: {stacked: true, grid: {display: false}, ticks: {color: theme().ink}},
      },
    });
    options.layout = {padding: {right: 60}};  // for the text behind the longest bar
    options.plugins.barEnds = {texts: bars.map((row) => format(value(row)))};
    options.plugins.tooltip.filter = (item) => item.raw > 0;
    options.plugins.tooltip.callbacks = {
      label: (item) => ` ${item.dataset.label}: ${format(item.raw)}`,
      footer: (items) => items.length > 1 ? 'Iteration: ' + format(value(bars[items[0].dataIndex])) : '',
    };
    chart(figure, 64 + 34 * bars.length, describe(gbps, bars), {
      type: 'bar',
      data: {labels: bars.map((row) => row.fabric), datasets: makeSets(bars)},
      options,
    });
    figure.append(alternative(speed(gbps) + ' a NIC', columns,
        () => bars.map((row) => [row.fabric, ...cells(row)])));
  }
}

const barShape = {barPercentage: 0.78, categoryPercentage: 0.92};

function drawTimes(panels) {
  barPanels(panels,
      (bars) => usedParts.map((part) => ({
        label: partLook(part).name, data: bars.map((row) => row.parts[part] || 0),
        backgroundColor: partLook(part).fill, borderColor: theme().paper,
        borderWidth: {right: 1}, borderSkipped: false, ...barShape,
      })),
      (row) => row.seconds, time, 'time of an iteration',
      (gbps, bars) => `Stacked bars: time of an iteration at ${speed(gbps)} a NIC. ` +
        bars.map((row) => `${row.fabric} ${time(row.seconds)}`).join(', '),
      [{title: 'Fabric'}, {title: 'Iteration', number: true},
        ...usedParts.map((part) => ({title: PARTS[part][0], number: true}))],
      (row) => [time(row.seconds), ...usedParts.map((part) => time(row.parts[part] || 0))]);
}

function drawCosts(panels) {
  barPanels(panels,
      (bars) => [{
        label: 'Cost of the cluster', data: bars.map((row) => row.cost),
        backgroundColor: bars.map((row) => fabricLook(row.fabric).fill), ...barShape,
      }],
      (row) => row.cost, money, 'cost of the cluster',
      (gbps, bars) => `Bars: cost of the cluster at ${speed(gbps)} a NIC. ` +
        bars.map((row) => `${row.fabric} ${money(row.cost)}`).join(', '),
      [{title: 'Fabric'}, {title: 'Cost', number: true},
        {title: 'Performance per $', number: true}],
      (row) => [money(row.cost), row.perf === null ? '' : factor(row.perf)]);
}

// --- The Pareto front ---

/// Points that no other beats in both; by rising cost.
function frontOf(points) {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || a.seconds - b.seconds);
  let least = Infinity;
  return sorted.filter((row) => {
    const isBetter = row.seconds < least;
    least = Math.min(least, row.seconds);
    return isBetter;
  });
}

function drawFront(box) {
  clear(box);
  const points = rows.filter((row) => inSlice(row) && row.cost !== null);
  const front = frontOf(points);
  const name = (row) => `${row.fabric} ${speed(row.gbps)}`;
  const xs = points.map((row) => row.cost);
  const ys = points.map((row) => row.seconds);
  const options = commonOptions();
  options.scales = {
    x: axisOf(xs, 'cost of the cluster', money),
    y: axisOf(ys, 'time of an iteration', time, 20),
  };
  options.interaction = {mode: 'nearest', intersect: true};
  options.layout = {padding: {right: 12, top: 8}};
  options.plugins.pointNames = {
    names: front.map((row) => ({x: row.cost, y: row.seconds, text: name(row)}))};
  options.plugins.tooltip.filter = (item) => !item.dataset.isFront;
  options.plugins.tooltip.callbacks = {
    title: (items) => items.map((item) => name(item.raw.row)).join(', '),
    label: ({raw: {row}}) => [`Iteration: ${time(row.seconds)}`, `Cluster: ${money(row.cost)}`,
      `Performance per $: ${row.perf === null ? '-' : factor(row.perf)}`],
    footer: (items) => items.some((item) => front.includes(item.raw.row)) ? 'On the front' : '',
  };
  const steps = {
    isFront: true, label: 'Pareto front', showLine: true, stepped: 'before', pointRadius: 0,
    pointHitRadius: 0, data: front.map((row) => ({x: row.cost, y: row.seconds})),
    borderColor: isDark() ? '#7cc4f5' : '#005a8f', borderWidth: 2.5, order: 2,
  };
  const sets = unique(points.map((row) => row.fabric)).sort((a, b) => fabricOrder(a) - fabricOrder(b)).map((fabric) => {
    const look = fabricLook(fabric);
    const own = points.filter((row) => row.fabric === fabric);
    const isFirst = own.map((row) => front.includes(row));
    return {
      label: fabric, data: own.map((row) => ({x: row.cost, y: row.seconds, row})),
      pointStyle: look.mark, backgroundColor: look.colour, borderColor: look.colour,
      pointRadius: isFirst.map((is) => is ? 7 : 4.5), pointHoverRadius: 9,
      pointBorderWidth: 2, order: 1,
    };
  });
  chart(box, Math.min(440, Math.max(320, box.clientWidth * 0.5)),
      'Scatter: iteration time against the cluster\'s cost. On the Pareto front: ' +
        front.map((row) => `${name(row)} (${time(row.seconds)}, ${money(row.cost)})`).join('; '),
      {type: 'scatter', data: {datasets: [steps, ...sets]}, options});
  box.append(alternative('Iteration time and cost of the cluster', [{title: 'Fabric and speed'},
    {title: 'Iteration', number: true}, {title: 'Cost', number: true},
    {title: 'Performance per $', number: true}, {title: 'On the front'}],
  () => [...points].sort((a, b) => a.cost - b.cost).map((row) => [name(row), time(row.seconds),
    money(row.cost), row.perf === null ? '' : factor(row.perf), front.includes(row) ? 'yes' : 'no'])));
}

// --- Sensitivity: lines over one axis ---

const MEASURES = {
  seconds: ['Time of an iteration', (row) => row.seconds, time],
  tokens: ['Tokens per second', (row) => row.tokens, (value) => digits(value)],
  perf: ['Performance per $ against fat-tree', (row) => row.perf, factor],
  cost: ['Cost of the cluster', (row) => row.cost, money],
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

function drawLines(box, {axis, measure, gbps}) {
  clear(box);
  const [text, value, format] = MEASURES[measure];
  const chosen = rows.filter((row) => inSlice(row, axis.index) && value(row) !== null &&
    (axis.index < 0 || row.gbps === gbps));
  const ticks = unique(chosen.map(axis.x)).sort((a, b) => a - b);
  const options = commonOptions();
  const across = axisOf(ticks, title(axis.flag), (x) => quantity(x, axis.unit));
  across.afterBuildTicks = (scale) => { scale.ticks = ticks.map((tick) => ({value: tick})); };
  across.ticks = {callback: (x) => quantity(x, axis.unit), maxRotation: 0, autoSkipPadding: 8};
  if (across.type) {
    across.min = ticks[0] / 1.1;
    across.max = ticks.at(-1) * 1.1;
  } else {
    across.beginAtZero = false;
  }
  options.scales = {x: across, y: axisOf(chosen.map(value), text, format, 10)};
  options.interaction = {mode: 'nearest', axis: 'xy', intersect: false};
  options.plugins.tooltip.callbacks = {
    title: (items) => items.map(({raw}) => `${raw.row.fabric}, ${quantity(axis.x(raw.row), axis.unit)}`)[0],
    label: ({raw}) => ` ${text}: ${format(raw.y)}`,
  };
  const sets = fabrics.flatMap((fabric) => {
    const look = fabricLook(fabric);
    const own = chosen.filter((row) => row.fabric === fabric).sort((a, b) => axis.x(a) - axis.x(b));
    if (own.length === 0) return [];
    const isFlat = axis.index >= 0 && !variety[fabric].has(axis.index);
    const points = isFlat ? [ticks[0], ticks.at(-1)].map((x) => ({x, y: value(own[0]), row: own[0]})) :
      own.map((row) => ({x: axis.x(row), y: value(row), row}));
    return [{
      label: fabric, data: points, showLine: true, borderColor: look.colour,
      backgroundColor: look.colour, borderDash: look.dashes, borderWidth: 2, pointStyle: look.mark,
      pointRadius: isFlat ? 0 : 5, pointBorderWidth: 2, pointHoverRadius: 8,
    }];
  });
  chart(box, Math.min(420, Math.max(300, box.clientWidth * 0.45)),
      `Lines: ${text} over ${title(axis.flag)}, a line for each fabric`,
      {type: 'scatter', data: {datasets: sets}, options});
  box.append(alternative(`${text} over ${title(axis.flag)}`,
      [{title: 'Fabric'}, {title: title(axis.flag), number: true}, {title: text, number: true}],
      () => [...chosen].sort((a, b) => byFabric(a, b) || axis.x(a) - axis.x(b)).map((row) =>
        [row.fabric, quantity(axis.x(row), axis.unit), format(value(row))])));
}

// --- The sections ---

function addCharts() {
  const chosen = section('time', 'Where the time of an iteration goes');
  if (slice.size > 0) {
    const selects = [...slice].map(([axis, value]) => {
      const {flag, values} = sweep.axes[axis];
      const used = unique(rows.map((row) => row.values[axis])).sort((a, b) => a - b);
      return choice(title(flag), used.map((v) => [v, shown(values[v])]), value, (picked) => {
        slice.set(axis, Number(picked));
        redraw();
      });
    });
    chosen.append(element('div', {class: 'choices', id: 'slice', role: 'group',
      'aria-label': 'What the charts show'}, selects));
  }
  const named = (node, text) => {
    const p = element('p', {class: 'lead'});
    node.append(p);
    drawers.push(() => { p.textContent = text(sliceName()); });
  };
  named(chosen, (name) => `${name}: each bar is one fabric, and its parts add up to the iteration. ` +
    'Parts are what communication adds to it, so what is hidden beneath compute is not there.');
  const parts = element('div');
  const times = element('div', {class: 'panels'});
  chosen.append(parts, times);
  drawers.push(() => parts.replaceChildren(
      legend(usedParts, partSample, (part) => PARTS[part][0])));
  drawers.push(() => drawTimes(times));

  if (rows.some((row) => row.cost !== null)) {
    const cost = section('cost', 'What the cluster costs');
    named(cost, (name) => `${name}: servers, the network of each fabric, and electricity over the years.`);
    const costs = element('div', {class: 'panels'});
    cost.append(costs);
    drawers.push(() => drawCosts(costs));

    const front = section('front', 'Time against cost');
    named(front, (name) => `${name}: further down is faster, further left is cheaper. Networks on ` +
      'the blue front are beaten by no other in both.');
    const samples = element('div');
    const box = element('figure');
    front.append(samples, box);
    const bought = fabrics.filter((name) => rows.some((row) => row.fabric === name && row.cost !== null));
    drawers.push(() => samples.replaceChildren(legend(bought, fabricSample, (name) => name)));
    drawers.push(() => drawFront(box));
  }

  const axes = lineAxes();
  if (axes.length === 0) return;
  const lines = section('sensitivity', 'What it depends on');
  const state = {axis: axes[0], measure: 'seconds', gbps: speeds[0]};
  const box = element('figure');
  const choices = element('div', {class: 'choices', role: 'group', 'aria-label': 'What the lines show'});
  const update = (change) => {
    Object.assign(state, change);
    atSpeed.hidden = state.axis.index < 0 || speeds.length < 2;
    lead.textContent = `${sliceName(state.axis.index)}: a line for each fabric; one that does not ` +
      'depend on what is chosen is level and has no marks.';
    drawLines(box, state);
  };
  const atSpeed = choice('NIC speed', speeds.map((gbps) => [gbps, speed(gbps)]), speeds[0],
      (gbps) => update({gbps: Number(gbps)}));
  const measures = Object.entries(MEASURES).filter(([, [, value]]) =>
    rows.some((row) => value(row) !== null));
  choices.append(
      choice('Over', axes.map((axis, i) => [i, title(axis.flag)]), 0,
          (i) => update({axis: axes[i]})),
      choice('Measure', measures.map(([key, [text]]) => [key, text]), 'seconds',
          (measure) => update({measure})),
      atSpeed);
  const lead = element('p', {class: 'lead'});
  lines.append(lead);
  const samples = element('div');
  lines.append(choices, samples, box);
  drawers.push(() => samples.replaceChildren(legend(fabrics, fabricSample, (name) => name)));
  drawers.push(() => update({}));
}
