'use strict';
// The charts of a sweep: bars of time and of cost, a panel for each speed, and the sections.

const usedParts = Object.keys(PARTS).filter((part) => rows.some((row) => row.parts[part] > 0));

/// The ends of a whisker.
const ends = (value, half) => [Math.max(0, value - (half || 0)), value + (half || 0)];

/// Bars of all panels have one scale, and their numbers one unit and as many decimals. `kind`: what
/// they show and how (below).
function barPanels(panels, kind) {
  clear(panels);
  const {value, half} = kind;
  const chosen = sliceRows().filter((row) => value(row) !== null);
  if (chosen.length === 0) return;
  const format = kind.even(chosen.map(value));
  const text = (row) => withHalf(format, value(row), half(row));
  const wanted = panels.clientWidth < 480 ? 3 : 5;
  const ticks = ticksTo(Math.max(...chosen.map((row) => ends(value(row), half(row))[1])), wanted);
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
        x: {stacked: true, ...fixedAxis(ticks, kind.axis, kind.tickTexts(ticks))},
        y: {stacked: true, grid: {display: false}, ticks: {color: theme().ink}},
      },
    });
    const texts = bars.map(text);
    options.layout = {padding: {right: 14 + widest(texts)}};  // for the text behind the longest bar
    options.plugins.barEnds = {texts, ends: bars.map((row) => ends(value(row), half(row))),
      halves: bars.map((row) => half(row) ?? 0)};
    options.plugins.tooltip.filter = (item) => item.raw > 0;
    options.plugins.tooltip.callbacks = {
      label: (item) => ` ${item.dataset.label}: ${format(item.raw)}`,
      footer: (items) => items.length > 1 ? 'Iteration: ' + text(bars[items[0].dataIndex]) : '',
    };
    chart(figure, 64 + 34 * bars.length, `${kind.what} at ${speed(gbps)} a NIC. ` +
        bars.map((row) => `${row.fabric} ${text(row)}`).join(', '), {
      type: 'bar',
      data: {labels: bars.map((row) => row.fabric), datasets: kind.sets(bars)},
      options,
    });
    figure.append(alternative(speed(gbps) + ' a NIC', [{title: 'Fabric'}, ...kind.columns],
        () => bars.map((row) => [row.fabric, ...kind.cells(row)])));
  }
}

const barShape = {barPercentage: 0.78, categoryPercentage: 0.92};

function drawTimes(panels) {
  const half = (row) => halfOf(row, 'seconds');
  const interval = rows.length > 0 && seeds ? [{title: '95 % interval, \u00b1', even: times}] : [];
  barPanels(panels, {
    what: 'Stacked bars: time of an iteration', axis: 'time of an iteration',
    value: (row) => row.seconds, half, even: times, tickTexts: tickTimes,
    sets: (bars) => usedParts.map((part) => ({
      label: partLook(part).name, data: bars.map((row) => row.parts[part] || 0),
      backgroundColor: partLook(part).fill, borderColor: theme().paper,
      borderWidth: {right: 1}, borderSkipped: false, ...barShape,
    })),
    columns: [{title: 'Iteration', even: times}, ...interval,
      ...usedParts.map((part) => ({title: PARTS[part][0], even: times}))],
    cells: (row) => [row.seconds, ...interval.map(() => half(row)),
      ...usedParts.map((part) => row.parts[part] || 0)],
  });
}

function drawCosts(panels) {
  barPanels(panels, {
    what: 'Bars: cost of the cluster', axis: 'cost of the cluster',
    value: (row) => row.cost, half: () => null, even: monies, tickTexts: tickMonies,
    sets: (bars) => [{
      label: 'Cost of the cluster', data: bars.map((row) => row.cost),
      backgroundColor: bars.map((row) => fabricLook(row.fabric).fill), ...barShape,
    }],
    columns: [{title: 'Cost', even: monies}, {title: 'Performance per $', even: factors}],
    cells: (row) => [row.cost, row.perf],
  });
}

// --- The sections ---

function addCharts() {
  const chosen = section('time', 'Where the time of an iteration goes');
  if (slice.size > 0) {
    const selects = [...slice].map(([axis, value]) => {
      return choice(title(sweep.axes[axis].flag), valueChoices(axis), value, (picked) => {
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
