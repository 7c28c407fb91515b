// node's own test runner loads this file as its reporter; every event goes to one receiver.
let receiver;

/** Sets the receiver, once. */
export function attach(receive) {
  if (receiver) throw new Error('the receiver is set');
  receiver = receive;
}

let used = false;

/** The reporter: takes all events, prints nothing. */
export default async function* report(source) {
  if (used) return;
  used = true;
  const receive = receiver;
  for await (const event of source) receive(event);
  receive({ type: 'end' });
  yield '';
}
