// A message that was opened in place gets an address of its own, and is scrolled to in its conversation.
const outside = top => top < 0 || top > innerHeight * 0.6;

function show() {
  const talk = document.getElementById('talk');
  const step = talk?.querySelector('li[aria-current="true"]');
  if (!step) return;
  if (talk.scrollHeight > talk.clientHeight + 1) talk.scrollTop = step.offsetTop - talk.querySelector('header').offsetHeight;
  else if (outside(step.getBoundingClientRect().top)) step.scrollIntoView({ block: 'start' });
}

document.addEventListener('htmx:after:swap', event => {
  const { sourceElement, request } = event.detail.ctx ?? {};
  if (!sourceElement?.matches('a[data-push]')) return;
  history.pushState({}, '', request.action);
  show();
});
addEventListener('popstate', () => location.reload());
show();
