/** Why a call failed: the problem (RFC 9457) of the API, or one made here if there was no response. */
import type { Flaw } from "./schema";

/** No response, or not from the API: it is restarting, a proxy cannot reach it, or there is no network. */
export const UNREACHABLE = "unreachable";

export interface Refusal {
  status: number;
  code: string;
  title: string;
  detail: string;
  errors: readonly Flaw[];
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly errors: readonly Flaw[];

  constructor({ status, code, title, detail, errors }: Refusal) {
    super(detail);
    this.status = status;
    this.code = code;
    this.title = title;
    this.errors = errors;
  }

  /** The same request may succeed later. */
  get transient(): boolean {
    return this.code === UNREACHABLE || this.status >= 500 || this.status === 429;
  }
}

export function unreachable(status = 0): ApiError {
  return new ApiError({
    status,
    code: UNREACHABLE,
    title: "No response",
    detail: "The API did not respond.",
    errors: [],
  });
}

export async function errorOf(response: Response): Promise<ApiError> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json"))
    return unreachable(response.status);
  try {
    const { code, title, detail, errors } = (await response.json()) as Partial<Refusal>;
    return new ApiError({
      status: response.status,
      code: code ?? "http_error",
      title: title ?? response.statusText,
      detail: detail ?? "",
      errors: errors ?? [],
    });
  } catch {
    return unreachable(response.status);
  }
}
