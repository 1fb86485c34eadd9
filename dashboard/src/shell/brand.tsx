import { words } from "../words";

export function Brand() {
  return (
    <span className="brand">
      <img src="/favicon.svg" alt="" width={28} height={28} />
      {words.common.product}
    </span>
  );
}
