/** Why a call failed: RFC 9457 as the API gives it, or one made up here when no API answered. */
import type { Flaw } from "./schema";

/** Nobody answered, or not the API: it restarts, a proxy has lost it, or there is no network. */
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

  /** The same again may well succeed. */
  get passing(): boolean {
    return this.code === UNREACHABLE || this.status >= 500 || this.status === 429;
  }
}

export function unreachable(status = 0): ApiError {
  return new ApiError({ status, code: UNREACHABLE, title: "No answer", detail: "the API does not answer", errors: [] });
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
