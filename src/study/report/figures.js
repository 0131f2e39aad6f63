'use strict';
// Figures of the paper, done again: the verdicts on its claims, and charts of ours beside theirs.

const VERDICTS = {yes: '\u2713 yes', partly: '\u25d0 partly', no: '\u2717 no'};
const PALETTE = [['#0072b2', '#4da3dd'], ['#d55e00', '#ff8534'], ['#00805d', '#14b98a'],
  ['#b87400', '#f0b030'], ['#b0568a', '#d98bb8'], ['#2f8fc4', '#56b4e9'], ['#1d1d1b', '#e9e7e2']];
const SHAPES = ['circle', 'triangle', 'rect', 'rectRot', 'star', 'crossRot', 'rectRounded'];

function seriesLook(name, names) {
  if (Object.hasOwn(FABRICS, name)) return fabricLook(name);
  const i = names.indexOf(name) % PALETTE.length;
  return {colour: PALETTE[i][isDark() ? 1 : 0], mark: SHAPES[i]};
}

const seriesName = ({name, published, packets}) =>
  name + (published ? ', published' : packets ? ', in packets' : '');

function inUnit(number, unit) {
  if (['s', 'Gb/s', 'B'].includes(unit)) return quantity(number, unit);
  if (unit === '$' || unit === 'USD') return money(number);
  return digits(number) + (unit ? ' ' + unit : '');
}

const axisTitle = ({label}) => label;

function figureAxis(axis, values) {
  const scale = {title: {display: true, text: axisTitle(axis) + (axis.logarithmic ? ' (log scale)' : '')}};
  const format = (value) => inUnit(value, axis.unit);
  if (axis.logarithmic) {
    return {...axisOf(values, axis.label, format, 1), ...scale};
  }
  if (axis.categories.length > 0) {
    return {...scale, min: -0.5, max: axis.categories.length - 0.5,
      afterBuildTicks: (made) => { made.ticks = axis.categories.map((_, value) => ({value})); },
      ticks: {callback: (value) => axis.categories[value] ?? '', autoSkip: false, maxRotation: 40}};
  }
  return {...scale, ticks: {callback: format, maxTicksLimit: 7, maxRotation: 0}};
}

function figureConfiguration({kind, x, y, series}) {
  const names = unique(series.map(({name}) => name));
  const isBar = kind === 'bar' && x.categories.length > 0;
  const options = commonOptions();
  options.scales = {x: figureAxis(x, series.flatMap(({points}) => points.map(([at]) => at))),
    y: {...figureAxis(y, series.flatMap(({points}) => points.map(([, value]) => value))),
      beginAtZero: kind === 'bar'}};
  const places = unique(series.flatMap(({points}) => points.map(([place]) => place))).sort((a, b) => a - b);
  if (kind === 'line' && x.categories.length === 0 && places.length <= 12) {
    options.scales.x.afterBuildTicks = (made) => { made.ticks = places.map((value) => ({value})); };
    options.scales.x.ticks = {callback: (value) => inUnit(value, x.unit), maxRotation: 0, autoSkipPadding: 8};
  }
  const at = (value) => x.categories[value] ?? inUnit(value, x.unit);
  options.interaction = {mode: 'nearest', axis: 'xy', intersect: false};
  options.plugins.tooltip.callbacks = {
    title: (items) => items.map((item) => at(isBar ? item.dataIndex : item.raw.x))[0],
    label: (item) => ` ${item.dataset.label}: ${inUnit(isBar ? item.raw : item.raw.y, y.unit)}`,
  };
  if (isBar) {
    options.scales.x = {title: options.scales.x.title, grid: {display: false},
      ticks: {color: theme().ink, maxRotation: 40}};
  }
  const datasets = series.map((one) => {
    const {colour, mark} = seriesLook(one.name, names);
    const common = {label: seriesName(one), borderColor: colour};
    if (isBar) {
      const values = x.categories.map((_, i) => (one.points.find(([p]) => p === i) || [])[1] ?? null);
      return {...common, data: values, borderWidth: 1,
        backgroundColor: one.published ? pattern(colour, '/', 0.85) : one.packets ? pattern(colour, 'x') : colour};
    }
    return {...common, data: one.points.map(([px, py]) => ({x: px, y: py})),
      showLine: kind === 'line' && !one.packets, borderDash: one.published ? [6, 4] : [], borderWidth: 2,
      pointStyle: one.packets ? 'crossRot' : mark, pointRadius: one.packets ? 7 : 4, pointBorderWidth: 2,
      backgroundColor: one.published ? theme().paper : colour};
  });
  return {type: isBar ? 'bar' : 'scatter', options,
    data: {labels: isBar ? x.categories : undefined, datasets}};
}

function seriesSample(one, names) {
  const {colour} = seriesLook(one.name, names);
  const pen = {stroke: colour, 'stroke-width': 2.5, fill: one.published ? theme().paper : colour};
  return drawing('svg', {width: 30, height: 14, 'aria-hidden': 'true'},
      one.packets ? null :
        drawing('path', {d: 'M0 7 H30', ...pen, 'stroke-dasharray': one.published ? '6 4' : undefined}),
      one.packets ? drawing('path', {d: 'M10 2 L20 12 M20 2 L10 12', ...pen}) :
        drawing('circle', {cx: 15, cy: 7, r: 4, ...pen}));
}

function drawFigure(box, one) {
  clear(box);
  const names = unique(one.series.map(({name}) => name));
  box.append(element('figcaption', {}, element('h4', {}, one.title)));
  box.append(element('ul', {class: 'legend'}, one.series.map((series) =>
    element('li', {}, seriesSample(series, names), seriesName(series)))));
  chart(box, 280, `${capital(one.kind)} chart: ${one.title}. ${axisTitle(one.y)} over ${axisTitle(one.x)}: ` +
    one.series.map(seriesName).join(', '), figureConfiguration(one));
  const at = (value) => one.x.categories[value] ?? inUnit(value, one.x.unit);
  box.append(alternative(one.title, [{title: 'Series'}, {title: one.x.label, number: one.x.categories.length === 0},
    {title: one.y.label, number: true}], () => one.series.flatMap((series) => series.points.map(([px, py]) =>
    [seriesName(series), at(px), inUnit(py, one.y.unit)]))));
}

function verdictTable(figures) {
  const all = figures.flatMap((figure) => figure.verdicts.map((verdict) => ({figure, ...verdict})));
  const only = {holds: ''};
  const body = element('tbody');
  const update = () => body.replaceChildren(...all.filter(({holds}) => !only.holds || holds === only.holds)
    .map(({figure, claim, published, ours, holds, note}) => element('tr', {},
        element('th', {scope: 'row'}, element('a', {href: '#figure-' + figure.name}, figure.name)),
        element('td', {class: 'wide'}, claim), element('td', {}, published), element('td', {}, ours),
        element('td', {class: 'verdict ' + holds}, VERDICTS[holds]), element('td', {class: 'wide'}, note))));
  update();
  return [
    element('div', {class: 'choices'}, choice('Holds', [['', 'all'], ...Object.entries(VERDICTS)], '',
        (picked) => { only.holds = picked; update(); })),
    element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Claims'},
        element('table', {id: 'claims-table'}, element('thead', {}, element('tr', {},
            ['Figure', 'Claim', 'Published', 'Ours', 'Holds', 'Note'].map((name) =>
              element('th', {scope: 'col'}, name)))), body))];
}

function addFigures() {
  const figures = data.figures || [];
  if (figures.length === 0) return;
  section('claims', 'What the paper claims, and what holds here', verdictTable(figures));
  const box = section('figures', 'The figures, done again');
  for (const figure of figures) {
    const panels = element('div', {class: 'panels'}, figure.charts.map((one) => {
      const panel = element('figure');
      drawers.push(() => drawFigure(panel, one));
      return panel;
    }));
    box.append(element('article', {id: 'figure-' + figure.name},
        element('h3', {}, figure.title), element('p', {class: 'lead'}, `${figure.question} (${figure.source})`),
        panels));
  }
}
