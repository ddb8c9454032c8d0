// Native dialogs: the keyboard map, confirmations, and any <dialog> opened by data-open="id".
const ask = () => document.getElementById('confirm');
let answer = () => {}; // settles the question that is open

// Resolves to whether the user said yes. Esc, the cross and "Back" all mean no.
export function confirmed(text, label, danger = false) {
  answer(false); // of a question that was left, whose closing the browser has not told yet
  const dialog = ask();
  dialog.querySelector('[data-text]').textContent = text;
  const yes = dialog.querySelector('[value="yes"]');
  yes.textContent = label;
  yes.className = danger ? 'btn danger' : 'btn main';
  dialog.returnValue = '';
  dialog.showModal();
  yes.focus();
  return new Promise(resolve => { answer = resolve; });
}

// The event comes late: by then the next question may be open, and it is not about that one.
function onClose(event) {
  const dialog = event.target;
  if (dialog === ask() && !dialog.open) answer(dialog.returnValue === 'yes');
}

async function onSubmit(event) {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || form.dataset.sure) {
    delete form.dataset.sure;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  const label = source.dataset.confirmLabel ?? event.submitter?.textContent.trim() ?? 'Yes';
  const danger = source.matches('.danger') || 'confirmDanger' in source.dataset;
  if (!await confirmed(source.dataset.confirm, label, danger)) return;
  form.dataset.sure = 'yes';
  form.requestSubmit(event.submitter ?? undefined);
}

function onClick(event) {
  const opener = event.target.closest('[data-open]');
  if (opener) {
    document.getElementById(opener.dataset.open).showModal();
    return;
  }
  const closer = event.target.closest('[data-close]');
  if (closer) closer.closest('dialog').close();
  else if (event.target instanceof HTMLDialogElement && event.detail < 2) event.target.close(); // on the backdrop
}

const REACHED = 'a[href], button:not([disabled]), input:not([type="hidden"]), select, textarea, summary, [tabindex="0"]';

// Tab goes round inside an open dialog and never out of it. Its last stop may be a part of a date field.
function onTab(event) {
  const dialog = event.key === 'Tab' && document.querySelector('dialog[open]');
  if (!dialog) return;
  const stops = [...dialog.querySelectorAll(REACHED)].filter(element => element.offsetParent !== null);
  const [first, last] = [stops[0], stops[stops.length - 1]];
  const here = document.activeElement;
  const leaves = event.shiftKey ? here === first : here === last;
  if (!leaves && dialog.contains(here) && here !== dialog) return;
  event.preventDefault();
  (event.shiftKey ? last : first)?.focus();
}

export function startDialogs() {
  document.addEventListener('keydown', onTab);
  document.addEventListener('close', onClose, true);
  document.addEventListener('submit', onSubmit, true);
  document.addEventListener('click', onClick);
}
