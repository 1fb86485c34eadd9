/** What the gateway says went wrong (RFC 9457), or that it did not answer at all. */
export class Problem extends Error {
  constructor(
    /** the HTTP status; 0: no answer */
    readonly status: number,
    readonly title: string,
    readonly detail: string | null = null,
    /** single fields and what is allowed of them */
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(detail ?? title);
    this.name = "Problem";
  }

  /** Whether the same request may succeed a little later. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface FieldProblem {
  field: string;
  problem: string;
}

/** The problem that an answer which is not OK describes; never throws. */
export async function parseProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const errors = Array.isArray(fields.errors) ? fields.errors : [];
  return new Problem(
    response.status,
    text(fields.title) ?? `HTTP ${response.status}`,
    text(fields.detail),
    errors.filter(isFieldProblem),
  );
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return typeof value === "object" && value !== null && "field" in value && "problem" in value;
}
