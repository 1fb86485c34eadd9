/** At once so many requests: a journey answers when it has committed, and the next need not wait for it. */
const CONCURRENCY = 4;

export interface BulkFailure {
  customer: string;
  error: Error;
}

/** Asks for each customer, some at once; who was refused, in order. `told` hears how many are done. */
export async function runBulkAction(
  customers: readonly string[],
  run: (customer: string) => Promise<unknown>,
  onProgress: (done: number) => void,
): Promise<BulkFailure[]> {
  const failures = new Map<string, Error>();
  const queue = [...customers];
  let done = 0;
  async function worker() {
    for (let customer = queue.shift(); customer !== undefined; customer = queue.shift()) {
      await run(customer).catch((error: Error) => failures.set(customer, error));
      done += 1;
      onProgress(done);
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return customers.flatMap((customer) => {
    const error = failures.get(customer);
    return error === undefined ? [] : [{ customer, error }];
  });
}
