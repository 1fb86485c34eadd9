import type { RetryResult } from "../../api/types";

/** Actions that one dialog tries again. */
export const MAX_RETRIES = 500;

/** Actions per request: few enough that an answer comes within seconds and the progress is seen. */
const CHUNK = 20;

/** What became of one action; an action without an answer has the error of its request, or null if it was not sent. */
export type ActionResult = RetryResult | { action_id: number; outcome: "error"; error: Error | null };

/** Try actions again, chunk by chunk. Stops at the first request that fails. Returns one result for each action. */
export async function retryInChunks(
  actionIds: readonly number[],
  retry: (actionIds: readonly number[]) => Promise<RetryResult[]>,
  onProgress: (done: number) => void,
): Promise<ActionResult[]> {
  const results: ActionResult[] = [];
  for (let start = 0; start < actionIds.length; start += CHUNK) {
    const chunk = actionIds.slice(start, start + CHUNK);
    try {
      results.push(...(await retry(chunk)));
    } catch (error) {
      results.push(...chunk.map((id) => failure(id, error as Error)));
      results.push(...actionIds.slice(start + CHUNK).map((id) => failure(id, null)));
      break;
    }
    onProgress(results.length);
  }
  return results;
}

function failure(action_id: number, error: Error | null): ActionResult {
  return { action_id, outcome: "error", error };
}
