/** An error response of the API (RFC 9457), or the lack of a response. */
export class Problem extends Error {
  constructor(
    /** HTTP status; 0 if the server did not respond */
    readonly status: number,
    readonly title: string,
    readonly detail: string | null = null,
    /** invalid fields, each with the reason */
    readonly fields: readonly FieldProblem[] = [],
    /** path of the open task that is the reason for a conflict */
    readonly taskPath: string | null = null,
  ) {
    super(detail ?? title);
    this.name = "Problem";
  }

  /** Whether retrying the same request may succeed. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface FieldProblem {
  field: string;
  problem: string;
}

/** Parse an error response; never throws. */
export async function parseProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const errors = Array.isArray(fields.errors) ? fields.errors : [];
  return new Problem(
    response.status,
    text(fields.title) ?? `HTTP ${response.status}`,
    text(fields.detail),
    errors.filter(isFieldProblem),
    taskPath(fields.task),
  );
}

/** Return the path of a task; only a path within the dashboard. */
function taskPath(task: unknown): string | null {
  const url = typeof task === "object" && task !== null ? text((task as Record<string, unknown>).url) : null;
  return url?.startsWith("/customers/") ? url : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return typeof value === "object" && value !== null && "field" in value && "problem" in value;
}
