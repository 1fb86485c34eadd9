import { Button, Select } from "antd";
import { useState } from "react";
import { useStaff } from "../api/queries";
import { strings } from "../strings";
import { ALL_LISTS, CUSTOMER_LISTS, type TaskListName, useOwnStaffId } from "./lists";
import { TaskList } from "./task-list";

/** The tasks of one customer, or of all (null), in several lists. */
export function TaskLists({ customerId }: { customerId: string | null }) {
  const [list, setList] = useState<TaskListName>("open");
  const [staffId, setStaffId] = useOwnStaffId();
  const t = strings.tasks;
  const lists = customerId === null ? ALL_LISTS : CUSTOMER_LISTS;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields */}
      <div role="group" className="task-lists" aria-label={t.list}>
        {lists.map((value) => (
          <Button
            key={value}
            type={value === list ? "primary" : "text"}
            aria-pressed={value === list}
            onClick={() => setList(value)}
          >
            {t.tabs[value]}
          </Button>
        ))}
      </div>
      {list === "mine" && <OwnStaffSelect staffId={staffId} onSelect={setStaffId} />}
      {list === "mine" && staffId === null ? (
        <p className="secondary">{t.selectYourself}</p>
      ) : (
        <TaskList list={list} customerId={customerId} staffId={staffId} />
      )}
    </>
  );
}

function OwnStaffSelect({ staffId, onSelect }: { staffId: number | null; onSelect(id: number): void }) {
  const query = useStaff();
  const staff = (query.data?.staff ?? []).filter((person) => person.is_active || person.id === staffId);
  const t = strings.tasks;
  return (
    <Select<number>
      className="own-staff"
      aria-label={t.yourName}
      placeholder={t.yourName}
      value={staff.length > 0 ? staffId : null}
      loading={query.isPending}
      onChange={onSelect}
      options={staff.map((person) => ({ value: person.id, label: person.name }))}
    />
  );
}
