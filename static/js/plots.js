// Plotly figures from the server in the colours of tokens.css. Imported, never loaded as a page's own script.
// The library is fetched when the first figure is drawn, and never offers to send a figure anywhere.
const CONFIG = {
  responsive: true, displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: '',
  doubleClick: false, showTips: false,
};
const FONT = getComputedStyle(document.body).fontFamily;
const drawn = new Map(); // element -> () => figure

let library = null;
export function plotly() {
  library ??= new Promise((resolve, reject) => {
    if (window.Plotly) {
      resolve(window.Plotly);
      return;
    }
    const script = document.createElement('script');
    script.src = document.documentElement.dataset.plotly;
    script.addEventListener('load', () => resolve(window.Plotly));
    script.addEventListener('error', () => {
      library = null; // the next figure tries again
      reject(new Error('The chart library could not be loaded.'));
    });
    document.head.append(script);
  });
  return library;
}

const probe = document.createElement('i');
probe.hidden = true;
document.body.append(probe);
export function token(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

function resolved(value, known = new Map()) {
  if (typeof value === 'string') {
    if (!value.startsWith('token:')) return value;
    if (!known.has(value)) known.set(value, token(value.slice(6)));
    return known.get(value);
  }
  if (Array.isArray(value)) return value.map(item => resolved(item, known));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, known)]));
}

function axis(own) {
  return {
    gridcolor: token('plot-line'), linecolor: token('plot-axis'), tickcolor: token('plot-axis'), showline: true,
    ticks: 'outside', ticklen: 4, tickfont: { size: 11, color: token('ink-3') }, zeroline: false,
    zerolinecolor: token('plot-axis'), zerolinewidth: 1, fixedrange: true, ...own,
  };
}

// The server says what is drawn; the frame (fonts, grid, hover) is the same for every figure and added here.
function framed(figure) {
  const { data, layout } = resolved(figure);
  return {
    data,
    layout: {
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', showlegend: false, bargap: 0,
      barmode: 'overlay', font: { family: FONT, size: 12, color: token('ink-2') },
      margin: { l: 56, r: 20, t: 12, b: 44 }, dragmode: false, hovermode: 'x unified',
      hoverlabel: {
        bgcolor: token('raised'), bordercolor: token('line-strong'),
        font: { family: FONT, size: 12, color: token('ink') },
      },
      ...layout,
      xaxis: axis({ unifiedhovertitle: { text: ' ' }, ...layout.xaxis }),
      yaxis: axis(layout.yaxis),
    },
  };
}

function unavailable(element) {
  const words = document.createElement('span');
  words.className = 'plot-wait';
  words.textContent = 'The chart could not be loaded. The values are in the table.';
  element.replaceChildren(words);
}

async function render(element) {
  const Plotly = await plotly().catch(() => null);
  if (!Plotly) {
    unavailable(element);
    return;
  }
  const build = drawn.get(element);
  if (!build || !element.isConnected) return;
  element.querySelector('.plot-wait')?.remove();
  const { data, layout } = framed(build());
  await Plotly.react(element, data, layout, CONFIG);
}

// Draws now and again whenever the theme changes. `build` returns a figure with token colours.
export function draw(element, build) {
  drawn.set(element, build);
  return render(element);
}

function drawFromPage(element) {
  const text = document.getElementById(element.dataset.figure)?.textContent;
  if (!text || element.drawnFrom === text) return;
  element.drawnFrom = text;
  const figure = JSON.parse(text);
  draw(element, () => figure);
}

export function drawAll(root = document) {
  root.querySelectorAll('.plot[data-figure]').forEach(drawFromPage);
}

document.addEventListener('portal:theme', () => {
  for (const element of [...drawn.keys()]) {
    if (element.isConnected) render(element);
    else drawn.delete(element);
  }
});
document.addEventListener('htmx:after:swap', () => drawAll());
