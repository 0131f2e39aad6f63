'use strict';
// What comes from the daemon, and what is done when nothing comes any more.

const SILENCE = 12_000;  // ms without even a beat, of which there is one every five seconds
const AGAIN = 3_000;     // ms until a stream that was refused is asked for again

const page = {state: null, stale: 0, heard: Date.now(), drawn: 0, source: null};
const diagram = new Diagram(place('diagram'), place('detail'));

function draw() {
  drawBanners(page.state, page.stale);
  const state = page.state;
  if (!state) return;
  keepTones(state.tenants.map((one) => one.tenant));
  drawHead(state);
  diagram.show(state);
  drawLegend(state);
  drawCircuitTable(state);
  drawAlarms(state);
  drawDemand(state);
  drawLatency(state);
  document.documentElement.dataset.drawn = ++page.drawn;
  document.documentElement.dataset.ready = 'yes';
}

let isDue = false;

/// Once for all that comes before the next frame.
function drawSoon() {
  if (isDue) return;
  isDue = true;
  // A page in the background draws when it is looked at.
  requestAnimationFrame(() => {
    isDue = false;
    draw();
  });
}

function hear() {
  page.heard = Date.now();
  page.stale = 0;
}

function lose() {
  if (!page.stale) page.stale = page.heard;
  document.documentElement.dataset.stale = 'yes';
  drawSoon();
}

function listen() {
  if (page.source) page.source.close();
  const source = page.source = new EventSource('/live');
  source.addEventListener('state', (event) => {
    page.state = JSON.parse(event.data);
    hear();
    document.documentElement.dataset.stale = 'no';
    drawSoon();
  });
  source.addEventListener('health', (event) => {
    if (page.state) Object.assign(page.state, JSON.parse(event.data));
    hear();
    drawSoon();
  });
  source.addEventListener('beat', () => {
    const was = page.stale;
    hear();
    if (was) drawSoon();
  });
  source.addEventListener('error', () => {
    lose();
    // The browser connects again by itself, unless the answer was an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
  });
}

setInterval(() => {
  if (Date.now() - page.heard < SILENCE) return;
  lose();
  page.heard = Date.now();  // gives the next try its time
  listen();
}, 1_000);
addEventListener('resize', drawSoon);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  demandDrawn = '';
  drawSoon();
});
document.addEventListener('visibilitychange', drawSoon);
listen();
