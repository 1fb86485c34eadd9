/** Concurrent requests. Each one waits for a journey's commit, so running them in sequence would be slow. */
const CONCURRENCY = 4;

export interface BulkFailure {
  customer: string;
  error: Error;
}

/** Run an action for each customer, some concurrently, and return the failures in order. */
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
