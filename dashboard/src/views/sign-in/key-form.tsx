import { Alert, Button, Form, Input } from "antd";
import { useState } from "react";
import { Problem } from "../../api/problem";
import { errorMessage } from "../../components/error-alert";
import { useSessions } from "../../session/session";
import { strings } from "../../strings";

export function KeyForm() {
  const { signIn } = useSessions();
  const [error, setError] = useState<string | null>(null);
  const [isSubmitting, setIsSubmitting] = useState(false);
  const t = strings.signIn;

  async function submit({ key }: { key: string }) {
    setIsSubmitting(true);
    setError(null);
    try {
      await signIn({ key: key.trim() });
    } catch (reason) {
      setIsSubmitting(false);
      const isInvalidKey = reason instanceof Problem && (reason.status === 401 || reason.status === 422);
      setError(isInvalidKey ? t.invalidKey : errorMessage(reason as Error));
    }
  }

  return (
    <Form layout="vertical" requiredMark={false} onFinish={submit} onValuesChange={() => setError(null)}>
      {error !== null && <Alert type="error" showIcon title={error} className="form-error" />}
      <Form.Item
        name="key"
        label={t.key}
        extra={t.keyHint}
        rules={[{ required: true, whitespace: true, message: t.keyMissing }]}
      >
        <Input.Password size="large" autoFocus autoComplete="current-password" visibilityToggle={false} />
      </Form.Item>
      <Button type="primary" htmlType="submit" size="large" block loading={isSubmitting}>
        {t.submit}
      </Button>
      <p className="admin-hint">
        <small>{t.adminHint}</small>
      </p>
    </Form>
  );
}
