import { MergeCellsOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useState } from "react";
import { strings } from "../strings";
import { MergeDialog, type Person } from "./merge-dialog";
import { useCanMerge } from "./merges";

/** Opens the dialog to merge a customer with another one; hidden from users who may not. */
export function MergeButton({ customer }: { customer: Person }) {
  const [isOpen, setOpen] = useState(false);
  if (!useCanMerge()) return null;
  return (
    <>
      <Button icon={<MergeCellsOutlined aria-hidden />} onClick={() => setOpen(true)}>
        {strings.merges.open}
      </Button>
      {isOpen && <MergeDialog customer={customer} onClose={() => setOpen(false)} />}
    </>
  );
}
