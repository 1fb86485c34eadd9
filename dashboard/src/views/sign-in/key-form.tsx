import { Alert, Button, Form, Input } from "antd";
import { useState } from "react";
import { Problem } from "../../api/problem";
import { errorMessage } from "../../components/error-alert";
import { useSessions } from "../../session/session";
import { strings } from "../../strings";

export function KeyForm() {
  const { signIn } = useSessions();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const said = strings.signIn;

  async function submit({ key }: { key: string }) {
    setBusy(true);
    setError(null);
    try {
      await signIn({ key: key.trim() });
    } catch (refused) {
      setBusy(false);
      const wrong = refused instanceof Problem && (refused.status === 401 || refused.status === 422);
      setError(wrong ? said.refused : errorMessage(refused as Error));
    }
  }

  return (
    <Form layout="vertical" requiredMark={false} onFinish={submit} onValuesChange={() => setError(null)}>
      {error !== null && <Alert type="error" showIcon title={error} className="form-error" />}
      <Form.Item
        name="key"
        label={said.key}
        extra={said.keyHint}
        rules={[{ required: true, whitespace: true, message: said.keyMissing }]}
      >
        <Input.Password size="large" autoFocus autoComplete="current-password" visibilityToggle={false} />
      </Form.Item>
      <Button type="primary" htmlType="submit" size="large" block loading={busy}>
        {said.submit}
      </Button>
    </Form>
  );
}
