"""The adapter that the kernel drives, on the same simulated radio as the sensors."""

import asyncio

from bumble import hci
from bumble.controller import Controller
from bumble.transport import open_transport


class AdapterController(Controller):
    """The controller that the kernel drives: bumble's, where that differs from what Linux expects."""

    # Linux would use these, and bumble answers them with other events than it waits for.
    le_features = Controller.le_features & ~(
        hci.LeFeatureMask.LL_PRIVACY
        | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )

    @property
    def random_address(self):
        # Bumble marks data with the sender's random address; Linux connects with the public one.
        return self._public_address

    @random_address.setter
    def random_address(self, _ignored):
        pass

    def on_advertising_pdu(self, pdu):
        # Bumble's own reports the advertising data once more as the scan response.
        if self.le_scan_enable:
            kinds = hci.HCI_LE_Advertising_Report_Event.EventType
            sender = self.link.find_le_controller(pdu.advertiser_address)
            sets = sender.advertising_sets.values() if sender else ()
            response = b"".join(bytes(s.scan_response_data) for s in sets if s.enabled)
            self.report(pdu.advertiser_address, kinds.ADV_IND, pdu.data)
            # Even an empty one: the kernel waits for it before it tells of a device that nobody else interrupts.
            self.report(pdu.advertiser_address, kinds.SCAN_RSP, response)
        wanted = self.pending_le_connection
        if wanted and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def report(self, address, kind, data):
        one = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=kind, address_type=address.address_type, address=address, data=data, rssi=-52
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([one]))

    def on_hci_le_create_connection_cancel_command(self, _command):
        # Linux waits for the end of the attempt that it takes back; bumble forgets to tell.
        attempt, self.pending_le_connection = self.pending_le_connection, None
        if attempt is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        ended = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=attempt.peer_address_type,
            peer_address=attempt.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, ended)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class Adapter:
    """The adapter's plug."""

    ADDRESS = "C0:DE:00:00:00:01"

    def __init__(self, spec, link):
        self.spec, self.link, self.controller = spec, link, None

    async def plug(self):
        if self.controller:
            return
        self.transport = await open_transport(self.spec)
        self.controller = AdapterController(
            "adapter",
            host_source=self.transport.source,
            host_sink=self.transport.sink,
            link=self.link,
            public_address=self.ADDRESS,
        )

    async def unplug(self):
        if not self.controller:
            return
        for peer in list(self.controller.le_connections):
            self.break_link(peer, tell_host=False)
        self.link.remove_controller(self.controller)
        self.controller = None
        await self.transport.close()

    def break_link(self, peer, tell_host=True):
        own = self.controller and self.controller.le_connections.get(peer)
        if not own:
            return
        reason = hci.HCI_CONNECTION_TIMEOUT_ERROR
        sensor = self.link.find_le_controller(peer)
        if sensor and (theirs := sensor.le_connections.get(own.self_address)):
            sensor.on_le_disconnected(theirs, reason)
        if tell_host:
            self.controller.on_le_disconnected(own, reason)
