'use strict';
// The comparison table: all points that could be simulated, to sort and to filter.

const ROWS_SHOWN = 200;

/// A column of numbers in one unit, with as many decimals as the largest needs, so that the points
/// stand below each other.
function unitColumn(key, name, value, steps) {
  const most = Math.max(...rows.map((row) => Math.abs(value(row) ?? 0)));
  const [size, unit] = steps.find(([least]) => most >= least) || steps.at(-1);
  const places = Math.max(0, 2 - Math.max(0, Math.floor(Math.log10(most / size || 1))));
  const text = (row) => value(row) === null ? '' : (value(row) / size).toLocaleString('en-US',
      {minimumFractionDigits: places, maximumFractionDigits: places});
  return {key, name, unit, number: true, value, text};
}

function tableColumns() {
  const axes = sweep.axes.flatMap((axis, i) => {
    const isShown = ['model', 'fabric', 'bandwidth'].includes(axis.flag);
    if (isShown || axis.values.length < 2) return [];
    const numbers = axis.numbers;
    return [{key: 'axis-' + i, name: title(axis.flag), number: Boolean(numbers),
      value: (row) => numbers ? numbers[row.values[i]] : shown(axis.values[row.values[i]]),
      text: (row) => shown(axis.values[row.values[i]])}];
  });
  const word = (key, name) => ({key, name, value: (row) => row[key], text: (row) => row[key]});
  const parts = usedParts.map((part) => unitColumn(part,
      part === 'reconfiguration' ? 'Reconfig.' : PARTS[part][0].replace(' all-to-all', ''),
      (row) => row.parts[part] || 0, TIMES));
  const columns = [
    {key: 'point', name: 'Point', number: true, value: (row) => row.point, text: (row) => row.point},
    word('model', 'Model'), word('fabric', 'Fabric'),
    {key: 'gbps', name: 'NIC', unit: 'Gb/s', number: true, value: (row) => row.gbps,
      text: (row) => digits(row.gbps, 6)},
    ...axes,
    {...unitColumn('seconds', 'Iteration', (row) => row.seconds, TIMES), best: Math.min},
    {key: 'tokens', name: 'Tokens/s', number: true, value: (row) => row.tokens,
      text: (row) => count(row.tokens), best: Math.max},
    ...parts];
  if (rows.some((row) => row.cost !== null)) {
    columns.push({...unitColumn('cost', 'Cluster', (row) => row.cost, MONEY), best: Math.min},
        {key: 'perf', name: 'Perf. per $', number: true, value: (row) => row.perf,
          text: (row) => row.perf === null ? '' : factor(row.perf), best: Math.max});
  }
  return columns;
}

function addTable() {
  const columns = tableColumns();
  const state = {sort: 'point', down: false, words: '', chosen: new Map(), all: false};
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
    const text = [row.model, row.fabric, speed(row.gbps), row.layout, row.policy, row.command]
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
    const found = rows.filter(matches).sort(order);
    const visible = state.all ? found : found.slice(0, ROWS_SHOWN);
    const bests = new Map(columns.filter(({best}) => best).map((one) => {
      const values = found.map(one.value).filter((value) => value !== null);
      return [one, values.length > 1 ? one.best(...values) : undefined];
    }));
    body.replaceChildren(...visible.map((row) => element('tr', {},
        columns.map((one) => element('td', {
          class: [one.number && 'number', bests.has(one) && one.value(row) === bests.get(one) && 'best']
            .filter(Boolean).join(' ') || undefined}, one.text(row))),
        element('td', {class: 'command'}, element('details', {},
            element('summary', {}, 'show'), element('code', {}, row.command))))));
    for (const header of headers) {
      const isSorted = header.dataset.key === state.sort;
      if (isSorted) header.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
      else header.removeAttribute('aria-sort');
    }
    more.hidden = visible.length === found.length;
    said.textContent = `${count(visible.length)} of ${plural(rows.length, 'row')}. ` +
      'A dot marks the best of what is shown; a name in the head sorts.';
  }

  const filters = sweep.axes.flatMap((axis, i) => {
    const used = unique(rows.map((row) => row.values[i])).sort((a, b) => a - b);
    if (used.length < 2) return [];
    const options = [['', 'all'], ...used.map((value) => [value, shown(axis.values[value])])];
    return [choice(title(axis.flag), options, '', (picked) => {
      if (picked === '') state.chosen.delete(i);
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
                  element('th', {scope: 'col', class: 'command'}, 'Command'))), body)),
      more);
  update();
}
