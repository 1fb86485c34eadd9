import { strings } from "../strings";

export function Brand() {
  return (
    <span className="brand">
      <img src="/favicon.svg" alt="" width={28} height={28} />
      {strings.common.product}
    </span>
  );
}
