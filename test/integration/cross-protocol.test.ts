import { describeCrossProtocol } from '../support/cross-protocol.ts';
import { startGateway } from '../support/gateway.ts';

describeCrossProtocol('one gateway', async () => {
  const gateway = await startGateway();
  return {
    writer: gateway,
    reader: gateway,
    async stop() {
      await gateway.stop();
    },
  };
});
