// A message that was opened in place has an address of its own, so that it can be sent to a colleague.
document.addEventListener('htmx:after:swap', event => {
  const { sourceElement, request } = event.detail.ctx ?? {};
  if (!sourceElement?.matches('a[data-push]')) return;
  history.pushState({}, '', request.action);
  const talk = document.getElementById('talk');
  if (talk && talk.getBoundingClientRect().top < 0) talk.scrollIntoView({ block: 'start' });
});
addEventListener('popstate', () => location.reload());
