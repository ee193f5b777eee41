"""The points that no scenario reaches, each with its reason. Whatever else is not reached is a gap in the harness."""

from __future__ import annotations

from typing import Final

_NO_LIST: Final = (
    "only of a gateway that keeps no list of its events would a job be left over; the sandbox keeps one"
)
_AT_ONCE: Final = (
    "the sandbox's refunds are through when they are answered, so that none is asked after later"
)
_BROKEN: Final = "only an exception that nothing expects leads there, and a run plants one fault"

_UNCOUNTED: Final = "in development nobody counts signatures that failed"
_TAKEN: Final = "at the sandbox nothing waits for the merchant, so that there is nothing to take"

EXCUSED: Final = {
    **{
        f"app.webhooks:{name}": _UNCOUNTED
        for name in (
            "WebhookEndpoint._is_out/return strikes.is_out(self._addresses.client_of(scope))#1",
            "WebhookEndpoint._refuse/address = self._addresses.client_of(scope)#1",
            "WebhookEndpoint._refuse/if self._strikes.failed(address) and (not is_out):#1",
            "WebhookEndpoint._refuse/log.warning('webhook.address_out', extra={'address': address, 'gateway':…#1",
            "WebhookEndpoint._refuse/before await _answer(scope, send, 429, {'error': refused.message})#1",
            "WebhookEndpoint._refuse/await _answer(scope, send, 429, {'error': refused.message})#1",
            "WebhookEndpoint._refuse/after await _answer(scope, send, 429, {'error': refused.message})#1",
            "WebhookEndpoint._refuse/return#1",
            "WebhookEndpoint._take/raise _RefusedError(400, 'signature', 'The signature is not valid.')#1",
            "_looks_signed/header = gateway.signature_header#1",
            "_looks_signed/return header is None or any((name == header for name, _ in scope['heade…#1",
        )
    },
    **{
        f"app.gateway_calls:GatewayCalls.{name}": _TAKEN
        for name in (
            "sync/if error.kind is not GatewayErrorKind.DECLINED or error.answer is None:#1",
            "sync/raise#1",
            "sync/said = error.answer#1",
            "_taken/record = await self.report(payment, said, source)#1",
            "_taken/before await self.report(payment, said, source)#1",
            "_taken/after await self.report(payment, said, source)#1",
            "_taken/if not wants(record, payment.id):#1",
            "_taken/return said#2",
            "_taken/known = record.payments[payment.id].payment#1",
            "_taken/return await self.ask(gateway, lambda: gateway.complete(handle_of(known)…#1",
            "_taken/before await self.ask(gateway, lambda: gateway.complete(handle_of(known)…#1",
            "_taken/after await self.ask(gateway, lambda: gateway.complete(handle_of(known),…#1",
        )
    },
    "app.batch:_Batch._command/return DomainError(ErrorCode.NOT_FOUND, 'There is no such order.')#1": (
        "a command names an order that was just read, and orders are never deleted"
    ),
    "app.gateway_calls:GatewayCalls.refused_refund/return (said, True)#1": (
        "the sandbox repeats its first answer under a key, and so refuses no refund that had gone through"
    ),
    "app.webhooks:_translate/raise _RefusedError(503, 'unverified', \"It can't be checked now. Send it…#1": (
        "the sandbox's signatures are checked without asking anybody"
    ),
    "app.webhooks:WebhookEndpoint._take/raise _RefusedError(503, 'late', 'It took too long. Send it again.') fro…#1": (
        "a delivery is late only where something hangs, and a run plants one fault"
    ),
    "app.reconcile.backfill:Backfill.__call__/return Done()#1": _NO_LIST,
    "app.reconcile.refunds:_next/later = (step - job.age_seconds for step in ASK_AFTER_SECONDS if step > …#1": _AT_ONCE,
    "app.reconcile.refunds:_next/return Again(next(later, ASK_DAILY_SECONDS))#1": _AT_ONCE,
    "app.reconcile.refunds:_outcome/if not told & _TAKEN:#1": _AT_ONCE,
    "app.reconcile.refunds:_outcome/return Failed('The gateway did not say that it took the refund.')#1": _AT_ONCE,
    "app.reconcile.refunds:_outcome/"
    "later = (step - job.age_seconds for step in ASK_AFTER_SECONDS if step > …#1": _AT_ONCE,
    "app.reconcile.refunds:_outcome/return Again(next(later, ASK_DAILY_SECONDS))#1": _AT_ONCE,
    "app.reconcile.pace:_Queue.over/self.refuse(len(self.waiting), error)#1": _BROKEN,
    "app.settle:Settler._lane_ended/log.error('settle.lane_broken', exc_info=error)#1": _BROKEN,
    "app.settle:Settler._lane_ended/self._start(lane)#1": _BROKEN,
    "app.worker.worker:Worker._loop_ended/log.error('worker.loop_broken', exc_info=error)#1": _BROKEN,
    "app.worker.worker:Worker._loop_ended/"
    "asyncio.get_running_loop().call_later(self._limits.pause_seconds_max, se…#1": _BROKEN,
}
