'use strict';
// The comparison table: all points that could be simulated, to sort and to filter.

const ROWS_SHOWN = 200;

/// A column of numbers in one unit, with the same number of decimals, so that the points stand below
/// each other; of means with their intervals.
function numberColumn(key, name, value, even, more = {}) {
  const format = even(rows.map(value));
  const bare = format.bare || format;
  const text = (row) => value(row) === null ? '' :
    bare(value(row)) + (typeof halfOf(row, key) === 'number' ? ' \u00b1 ' + bare(halfOf(row, key)) : '');
  return {key, name, unit: format.unit, number: true, value, text, ...more};
}

/// The axes of the study that have no column of their own.
function axisColumns() {
  return sweep.axes.flatMap((axis, i) => {
    const isShown = ['model', 'fabric', 'bandwidth'].includes(axis.flag);
    if (isShown || axis.values.length < 2) return [];
    const numbers = axis.numbers;
    const single = (row) => shown(axis.values[row.values[i]]);
    // A mean is over several seeds.
    const isMean = (row) => row.of && i === seeds.axis;
    return [{key: 'axis-' + i, name: title(axis.flag), number: Boolean(numbers),
      value: (row) => isMean(row) ? row.of.length : numbers ? numbers[row.values[i]] : single(row),
      text: (row) => isMean(row) ? `of ${row.of.length}` : single(row)}];
  });
}

function tableColumns() {
  const word = (key, name) => ({key, name, value: (row) => row[key], text: (row) => row[key]});
  const parts = usedParts.map((part) => numberColumn(part,
      part === 'reconfiguration' ? 'Reconfig.' : PARTS[part][0].replace(' all-to-all', ''),
      (row) => row.parts[part] || 0, times));
  const columns = [
    // The fabric first: it stays in sight when the rest goes sideways.
    word('fabric', 'Fabric'), word('model', 'Model'),
    {key: 'gbps', name: 'NIC', unit: 'Gb/s', number: true, value: (row) => row.gbps,
      text: (row) => digits(row.gbps, 6)},
    ...axisColumns(),
    numberColumn('seconds', 'Iteration', (row) => row.seconds, times, {best: Math.min}),
    numberColumn('tokens', 'Tokens/s', (row) => row.tokens, rates, {best: Math.max}),
    ...parts];
  if (rows.every((row) => row.tflops !== null && row.mfu !== null)) {
    columns.push(numberColumn('tflops', 'TFLOP/s a GPU', (row) => row.tflops, plains, {best: Math.max}),
        numberColumn('mfu', 'MFU, %', (row) => row.mfu * 100, plains, {best: Math.max}));
  }
  if (rows.some((row) => row.days !== null)) {
    columns.push(numberColumn('days', 'Days', (row) => row.days, plains, {best: Math.min}));
  }
  if (rows.some((row) => row.cost !== null)) {
    columns.push(numberColumn('cost', 'Cluster', (row) => row.cost, monies, {best: Math.min}),
        numberColumn('perf', 'Perf. per $', (row) => row.perf, factors, {best: Math.max}));
  }
  columns.push({key: 'point', name: 'Point', number: true, value: (row) => row.point,
    text: (row) => row.point});
  return columns;
}

/// What repeats a row: its command line, or the rows that a mean is of, with theirs.
function origin(row) {
  const command = ({command}) => element('code', {}, command || '');
  if (!row.of) return row.command ? fold('show', () => command(row)) : '';
  return fold(plural(row.of.length, 'seed'), () => element('div', {class: 'scroll'}, element('table', {},
      element('tbody', {}, row.of.map((place) => rows[place]).map((one) => element('tr', {},
          element('th', {scope: 'row'}, 'seed ' + shown(sweep.axes[seeds.axis].values[one.values[seeds.axis]])),
          element('td', {}, 'point ' + one.point),
          element('td', {class: 'number'}, times(row.of.map((each) => rows[each].seconds))(one.seconds)),
          element('td', {}, command(one))))))));
}

/// What is made when it is opened.
function fold(summary, make) {
  const details = element('details', {}, element('summary', {}, summary));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(make());
  });
  return details;
}

function addTable() {
  const columns = tableColumns();
  // `seed`: MEAN for means, where seeds are an axis; '' for all rows.
  const state = {sort: 'point', down: false, words: '', chosen: new Map(), all: false,
    seed: seeds ? MEAN : ''};
  const hasOrigin = rows.some(({command}) => command);
  const body = element('tbody');
  const said = element('p', {class: 'note', role: 'status', id: 'shown'});
  const more = element('button', {type: 'button', class: 'more', hidden: true, onclick: () => {
    state.all = true;
    update();
  }}, 'Show all rows');

  const headers = columns.map((column) => {
    const button = element('button', {type: 'button', onclick: () => {
      // Best first: small times and costs, large rates.
      const first = column.best === Math.max;
      state.down = state.sort === column.key ? !state.down : first;
      state.sort = column.key;
      update();
    }}, column.name + (column.unit ? ` (${column.unit})` : ''));
    return element('th', {scope: 'col', class: column.number ? 'number' : undefined,
      'data-key': column.key}, button);
  });

  function matches(row) {
    for (const [axis, value] of state.chosen) {
      if (row.values[axis] !== value) return false;
    }
    const text = [row.model, row.fabric, speed(row.gbps), row.layout, row.policy, row.command || '']
      .join(' ').toLowerCase();
    return state.words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function update() {
    const column = columns.find(({key}) => key === state.sort);
    const order = (a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      if (x === null || y === null) return (x === null) - (y === null);  // nothing stands last
      const way = typeof x === 'number' ? x - y : String(x).localeCompare(String(y), 'en');
      return (state.down ? -way : way) || a.point - b.point;
    };
    const all = state.seed === MEAN ? seeds.means : rows;
    const found = all.filter(matches).sort(order);
    const visible = state.all ? found : found.slice(0, ROWS_SHOWN);
    const bests = new Map(columns.filter(({best}) => best).map((one) => {
      const values = found.map(one.value).filter((value) => value !== null);
      return [one, values.length > 1 ? one.best(...values) : undefined];
    }));
    body.replaceChildren(...visible.map((row) => element('tr', {},
        columns.map((one, i) => element(i === 0 ? 'th' : 'td', {
          scope: i === 0 && 'row',
          class: [one.number && 'number', bests.has(one) && one.value(row) === bests.get(one) && 'best']
            .filter(Boolean).join(' ') || undefined}, one.text(row))),
        hasOrigin && element('td', {class: 'command'}, origin(row)))));
    for (const header of headers) {
      const isSorted = header.dataset.key === state.sort;
      if (isSorted) header.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    }
    more.hidden = visible.length === found.length;
    said.textContent = `${count(visible.length)} of ${plural(all.length, 'row')}. ` +
      (state.seed === MEAN ? 'Means over seeds, \u00b1 half of their 95 % interval. ' : '') +
      'A dot marks the best of what is shown; a name in the head sorts.';
  }

  const filters = sweep.axes.flatMap((axis, i) => {
    const values = valueChoices(i);
    const isSeed = seeds !== undefined && i === seeds.axis;
    if (values.length < 2) return [];
    const options = isSeed ? [values[0], ['', 'all, one by one'], ...values.slice(1)] : [['', 'all'], ...values];
    return [choice(title(axis.flag), options, isSeed ? MEAN : '', (picked) => {
      if (isSeed) state.seed = picked === '' ? '' : Number(picked);
      if (picked === '' || Number(picked) === MEAN) state.chosen.delete(i);
      else state.chosen.set(i, Number(picked));
      update();
    })];
  });
  const search = element('input', {type: 'search', id: 'search', autocomplete: 'off',
    oninput: (event) => {
      state.words = event.target.value.trim();
      update();
    }});
  const box = section('points', 'All points');
  box.classList.add('rows');
  box.append(
      element('div', {class: 'choices', role: 'search', id: 'filters'}, filters,
          element('div', {class: 'choice'}, element('label', {for: 'search'}, 'Words in a row'), search)),
      said,
      element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'All points'},
          element('table', {id: 'table'},
              element('thead', {}, element('tr', {}, headers,
                  hasOrigin && element('th', {scope: 'col', class: 'command'}, 'Command'))), body)),
      more);
  update();
}
