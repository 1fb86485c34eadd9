import { HistoryOutlined, QuestionCircleOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useState } from "react";
import { lazyComponent } from "../../../components/lazy-component";
import { DAY } from "../../../format/dates";
import { strings } from "../../../strings";
import { usePastInstant } from "./past-instant";

const WhatIf = lazyComponent(() => import("./what-if"), null);

/** Buttons that look back at the journey, or ahead. */
export function LookButtons({ customerId }: { customerId: string }) {
  const { show } = usePastInstant();
  const [asksWhatIf, setAsksWhatIf] = useState(false);
  return (
    <div className="buttons">
      <Button
        size="small"
        icon={<QuestionCircleOutlined aria-hidden />}
        onClick={() => setAsksWhatIf(true)}
        onPointerEnter={WhatIf.preload}
      >
        {strings.whatIf.open}
      </Button>
      <Button
        size="small"
        icon={<HistoryOutlined aria-hidden />}
        onClick={() => show(new Date(Date.now() - DAY).toISOString())}
      >
        {strings.past.open}
      </Button>
      {asksWhatIf && <WhatIf customerId={customerId} onClose={() => setAsksWhatIf(false)} />}
    </div>
  );
}
