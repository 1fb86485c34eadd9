import { Input, Select } from "antd";
import type { ReactNode } from "react";
import { useProblemOf } from "./editing";

/** A label, its control and what is wrong with it. The control has the field's id. */
export function Field({
  field,
  label,
  hint,
  wide = false,
  children,
}: {
  field: string;
  label: string;
  hint?: string;
  wide?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={wide ? "edit-field wide" : "edit-field"}>
      <label htmlFor={field}>{label}</label>
      {children}
      {hint && <small>{hint}</small>}
      <FieldProblem field={field} />
    </div>
  );
}

export function FieldProblem({ field }: { field: string }) {
  const problem = useProblemOf(field);
  if (problem === null) return null;
  return (
    <p id={problemId(field)} className="field-problem">
      {problem}
    </p>
  );
}

function problemId(field: string): string {
  return `${field}-problem`;
}

/** Return the attributes of an invalid control; none if it is valid. */
export function useInvalid(field: string): {
  status?: "error";
  "aria-invalid"?: true;
  "aria-describedby"?: string;
} {
  return useProblemOf(field) === null
    ? {}
    : { status: "error", "aria-invalid": true, "aria-describedby": problemId(field) };
}

/** The field of a number, with its unit. Any text can be entered; what is no number is reported. */
export function NumberField({
  field,
  label,
  value,
  prefix,
  suffix,
  onChange,
}: {
  field: string;
  label?: string;
  value: string;
  prefix?: string | undefined;
  suffix?: string | undefined;
  onChange(value: string): void;
}) {
  return (
    <Input
      id={field}
      className="number-field"
      inputMode="decimal"
      autoComplete="off"
      maxLength={20}
      value={value}
      prefix={prefix}
      suffix={suffix}
      onChange={({ target }) => onChange(target.value)}
      {...(label === undefined ? {} : { "aria-label": label })}
      {...useInvalid(field)}
    />
  );
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  icon?: ReactNode;
}

/** A select whose width follows its content. */
export function ChoiceField<Value extends string>({
  field,
  label,
  value,
  choices,
  onChange,
}: {
  field?: string;
  label?: string;
  value: Value;
  choices: readonly Choice<Value>[];
  onChange(value: Value): void;
}) {
  return (
    <Select<Value>
      {...(field === undefined ? {} : { id: field })}
      {...(label === undefined ? {} : { "aria-label": label })}
      value={value}
      popupMatchSelectWidth={false}
      options={choices.map((choice) => ({
        value: choice.value,
        title: choice.label,
        label: choice.icon ? (
          <span className="icon-choice">
            {choice.icon} {choice.label}
          </span>
        ) : (
          choice.label
        ),
      }))}
      onChange={onChange}
    />
  );
}
