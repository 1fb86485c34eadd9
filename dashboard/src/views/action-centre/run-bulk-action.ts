/** At once so many requests: a journey answers when it has committed, and the next need not wait for it. */
const AT_ONCE = 4;

export interface Refusal {
  customer: string;
  error: Error;
}

/** Asks for each customer, some at once; who was refused, in order. `told` hears how many are done. */
export async function runAll(
  customers: readonly string[],
  ask: (customer: string) => Promise<unknown>,
  told: (done: number) => void,
): Promise<Refusal[]> {
  const refused = new Map<string, Error>();
  const left = [...customers];
  let done = 0;
  async function work() {
    for (let customer = left.shift(); customer !== undefined; customer = left.shift()) {
      await ask(customer).catch((error: Error) => refused.set(customer, error));
      done += 1;
      told(done);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return customers.flatMap((customer) => {
    const error = refused.get(customer);
    return error === undefined ? [] : [{ customer, error }];
  });
}
