#!/usr/bin/env python3
"""Simulated sensors on a simulated radio, offered to the kernel as one Bluetooth adapter.

    peripherals.py --set strap,wit:thigh,movesense:shank [--hci vhci] [--control 127.0.0.1:7001] [--ready FILE]

A set is a list of KIND, KIND:PLACE or KIND*COUNT. Each sensor is a GATT server of its own with its own address
(C0:FF:EE:00:00:01 and on, in the order of the set) and a label: the place, otherwise kind and number (`wit1`).

* strap: heart rate with RR intervals, battery, device information. Its energy field counts notifications.
* wit: WitMotion BLE 5, streams while notifications are on. Its yaw field counts frames.
* movesense: GATT SensorData Protocol, streams what is subscribed to. Its clock tells of lost batches.

The movement sensors sit on one person who stands, or squats while told to: every place reads the same movement at
the same instant, so that a repetition goes on through a lost link. Accelerations in m/s^2 with gravity, y up along
the standing segment; angular rates in deg/s, z across it.

Control, one command a line, answered with `ok`, `ok VALUE` or `err REASON`:

    move on|off           the person squats, 3 s a repetition; off ends with the repetition
    shake LABEL SECONDS   somebody shakes this sensor
    bpm LABEL N           the strap's heart rate
    drop LABEL            the sensor ends the link (reason 0x13)
    lose LABEL            the link breaks: both ends run into their supervision time (0x08)
    adv LABEL on|off      in reach or not
    stall LABEL on|off    takes connections and sends nothing
    unplug, plug          the adapter leaves the machine and comes back
    sent LABEL            notifications handed to the radio so far
    links LABEL           connections made so far

What it does not do: signal strength, interference, pairing, extended advertising.
"""

import argparse
import asyncio
import math
import random
import struct
import time

from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from radio import Adapter

GRAVITY = 9.80665
STARTED = time.monotonic()
Props = Characteristic.Properties


def now():
    """The one clock of all sensors, s."""
    return time.monotonic() - STARTED


def log(text):
    print(f"[{now():9.3f}] {text}", flush=True)


class Person:
    """Stands, or squats: thigh and shank turn against each other while the hip goes down and up."""

    REP_S = 3.0
    RANGE_DEG = {"thigh": 80.0, "shank": -30.0, "trunk": 25.0}

    def __init__(self):
        self.begin = self.end = math.inf

    def move(self, on):
        if on:
            self.begin, self.end = now(), math.inf
        elif self.end == math.inf:
            reps = math.ceil((now() - self.begin) / self.REP_S)
            self.end = self.begin + reps * self.REP_S

    def at(self, place, t):
        """Acceleration and angular rate of a sensor at `place`."""
        w, phase, moving = 2 * math.pi / self.REP_S, 0.0, self.begin <= t < self.end
        if moving:
            phase = w * (t - self.begin)
        bend = (1 - math.cos(phase)) / 2
        push = -0.2 * w * w * math.cos(phase) if moving else 0.0
        full = self.RANGE_DEG.get(place, 0.0)
        tilt = math.radians(full * bend)
        acc = [math.sin(tilt) * (GRAVITY + push), math.cos(tilt) * (GRAVITY + push), 0.0]
        gyro = [0.0, 0.0, full * w * math.sin(phase) / 2]
        return acc, gyro


def characteristic(uuid, props, value=b""):
    permissions = Characteristic.Permissions(0)
    if props & Props.READ:
        permissions |= Characteristic.READABLE
    if props & (Props.WRITE | Props.WRITE_WITHOUT_RESPONSE):
        permissions |= Characteristic.WRITEABLE
    return Characteristic(uuid, props, permissions, value)


def advert(*fields):
    return b"".join(bytes([len(data) + 1, kind]) + data for kind, data in fields)


class Sensor:
    """A GATT server that advertises, takes one connection and notifies."""

    name = ""

    def __init__(self, label, place, number, person):
        self.label, self.place, self.number, self.person = label, place, number, person
        self.address = Address(f"C0:FF:EE:00:00:{number:02X}")
        self.serial = f"{174630000000 + number}"
        self.noise = random.Random(number)
        self.connection = None
        self.stalled = False
        self.reachable = True
        self.shaken_until = 0.0
        self.sent = self.links = 0
        self.streams = {}

    def services(self):
        raise NotImplementedError

    def advertised(self):
        """Advertising data and scan response."""
        raise NotImplementedError

    def subscribed(self, on):
        """Notifications of the main characteristic were switched."""

    async def start(self, link):
        controller = Controller(self.label, link=link)
        host = Host(controller, AsyncPipeSink(controller))
        self.device = Device(name=self.name, address=self.address, host=host)
        self.device.add_services(self.services())
        self.output.on(Characteristic.EVENT_SUBSCRIPTION, self.on_subscription)
        self.device.on(Device.EVENT_CONNECTION, self.on_connection)
        await self.device.power_on()
        await self.advertise(True)

    async def advertise(self, on):
        self.reachable = on
        if on and not self.connection and not self.device.is_advertising:
            data, response = self.advertised()
            await self.device.start_advertising(
                advertising_data=data,
                scan_response_data=response,
                advertising_interval_min=100,
                advertising_interval_max=100,
                auto_restart=False,
            )
        elif not on and self.device.is_advertising:
            await self.device.stop_advertising()

    def on_connection(self, connection):
        log(f"{self.label}: connected")
        self.connection = connection
        self.links += 1
        connection.on(connection.EVENT_DISCONNECTION, self.on_disconnection)

    def on_disconnection(self, reason):
        log(f"{self.label}: disconnected, reason 0x{reason:02x}, {self.sent} sent")
        self.connection = None
        self.stop_all()
        asyncio.create_task(self.advertise(self.reachable))

    def on_subscription(self, _connection, notify, _indicate):
        log(f"{self.label}: notifications {'on' if notify else 'off'}")
        self.subscribed(notify)

    def stream(self, key, period_s, frames):
        """Sends what `frames(t)` gives, every `period_s`, until stopped; `period_s` is asked again each time."""
        self.stop(key)
        self.streams[key] = asyncio.create_task(self.run(period_s, frames))

    def stop(self, key):
        if task := self.streams.pop(key, None):
            task.cancel()

    def stop_all(self):
        for key in list(self.streams):
            self.stop(key)

    async def run(self, period_s, frames):
        due = now()
        while True:
            due += period_s()
            await asyncio.sleep(max(0.0, due - now()))
            if self.stalled:
                continue
            for frame in frames(due):
                await self.notify(frame)

    async def notify(self, value):
        if self.stalled or not self.connection:
            return
        try:
            await self.device.notify_subscriber(self.connection, self.output, value)
            self.sent += 1
        except Exception as error:  # the link may end in the middle
            log(f"{self.label}: not sent: {error!r}")

    def payload_room(self):
        return (self.connection.att_mtu if self.connection else 23) - 3

    def motion(self, t):
        """What the sensor feels at `t`, with a little noise."""
        acc, gyro = self.person.at(self.place, t)
        acc = [a + self.noise.gauss(0, 0.02) for a in acc]
        gyro = [g + self.noise.gauss(0, 0.1) for g in gyro]
        if t < self.shaken_until:
            swing = math.sin(2 * math.pi * 4 * t)
            acc[0] += 8 * swing
            gyro[1] += 300 * swing
        return acc, gyro


class Strap(Sensor):
    name = "Sim Strap"
    bpm = 120

    def services(self):
        u = UUID.from_16_bits
        self.output = characteristic(u(0x2A37), Props.NOTIFY)
        battery = characteristic(u(0x2A19), Props.READ | Props.NOTIFY, b"\x57")
        information = {0x2A29: "Plimsoll bench", 0x2A24: "S1", 0x2A25: self.serial, 0x2A26: "1.0"}
        return [
            Service(u(0x180D), [self.output, characteristic(u(0x2A38), Props.READ, b"\x01")]),
            Service(u(0x180F), [battery]),
            Service(u(0x180A), [characteristic(u(k), Props.READ, v.encode()) for k, v in information.items()]),
        ]

    def advertised(self):
        uuids = struct.pack("<HH", 0x180D, 0x180F)
        kind = AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
        name = (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode())
        return advert((AdvertisingData.FLAGS, b"\x06"), (kind, uuids), name), b""

    def subscribed(self, on):
        if on:
            self.stream("heart", lambda: 1.0, lambda _t: [self.measurement()])
        else:
            self.stop_all()

    def measurement(self):
        # Contact seen, energy present, one interval (1/1024 s).
        interval = round(60 * 1024 / self.bpm)
        return struct.pack("<BBHH", 0x1E, self.bpm, self.sent & 0xFFFF, interval)


def wit_uuid(short):
    # 9a34fb: not the base of the standard's short numbers.
    return UUID(f"0000{short:04x}-0000-1000-8000-00805f9a34fb")


class WitMotion(Sensor):
    name = "WT901BLE68"
    RATE_HZ = {1: 0.2, 2: 0.5, 3: 1, 4: 2, 5: 5, 6: 10, 7: 20, 8: 50, 9: 100, 11: 200}
    UNLOCK, UNLOCKED_S = bytes.fromhex("ffaa6988b5"), 10.0
    RATE, BATTERY = 0x03, 0x64

    def services(self):
        self.registers = {self.RATE: 6, self.BATTERY: 395}
        self.unlocked_until = 0.0
        self.frame_count = 0
        self.output = characteristic(wit_uuid(0xFFE4), Props.NOTIFY)
        take = CharacteristicValue(write=self.on_command)
        command = characteristic(wit_uuid(0xFFE9), Props.WRITE | Props.WRITE_WITHOUT_RESPONSE, take)
        return [Service(wit_uuid(0xFFE5), [self.output, command])]

    def advertised(self):
        kind = AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
        data = advert((AdvertisingData.FLAGS, b"\x06"), (kind, bytes(wit_uuid(0xFFE5))))
        return data, advert((AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()))

    def rate_hz(self):
        return self.RATE_HZ[self.registers[self.RATE]]

    def batch(self):
        """Frames of one notification: as many as keep notifications at 50 a second, if they fit."""
        return max(1, min(math.ceil(self.rate_hz() / 50), self.payload_room() // 20))

    def subscribed(self, on):
        if on:
            self.stream("motion", lambda: self.batch() / self.rate_hz(), self.frames)
        else:
            self.stop_all()

    def frames(self, t):
        count = self.batch()
        return [b"".join(self.frame(t - i / self.rate_hz()) for i in reversed(range(count)))]

    def frame(self, t):
        acc, gyro = self.motion(t)
        values = [a / GRAVITY / 16 for a in acc] + [g / 2000 for g in gyro]
        raw = [max(-32768, min(32767, round(v * 32768))) for v in values]
        self.frame_count += 1
        return struct.pack("<BB8hH", 0x55, 0x61, *raw, 0, 0, self.frame_count & 0xFFFF)

    def on_command(self, _connection, value):
        value = bytes(value)
        if value == self.UNLOCK:
            self.unlocked_until = now() + self.UNLOCKED_S
        elif len(value) == 5 and value[:3] == b"\xff\xaa\x27":
            asyncio.create_task(self.notify(self.answer(value[3])))
        elif len(value) == 5 and value[:2] == b"\xff\xaa" and now() < self.unlocked_until:
            register, new = value[2], value[3] | value[4] << 8
            if register == self.RATE and new not in self.RATE_HZ:
                return
            self.registers[register] = new
            log(f"{self.label}: register {register:02x} = {new}")

    def answer(self, start):
        values = [self.registers.get(start + i, 0) for i in range(8)]
        return struct.pack("<BBH8H", 0x55, 0x71, start, *values)


class Movesense(Sensor):
    """One service: commands in, results and data out."""

    RATES = (13, 26, 52, 104, 208, 416)
    # Vectors of a measurement, in the order of its payload.
    GROUPS = {"Acc": (0,), "Gyro": (1,), "IMU6": (0, 1)}
    SUBSCRIPTIONS = 4
    OK, BAD_REQUEST, NOT_FOUND, RATE_UNKNOWN, NO_ROOM = 200, 400, 404, 501, 507

    @property
    def name(self):
        return f"Movesense {self.serial}"

    def services(self):
        self.output = characteristic(UUID("34800002-7185-4d5d-b431-630e7050e8f0"), Props.NOTIFY)
        take = CharacteristicValue(write=self.on_command)
        command = characteristic(UUID("34800001-7185-4d5d-b431-630e7050e8f0"), Props.WRITE, take)
        battery = characteristic(UUID.from_16_bits(0x2A19), Props.READ, b"\x49")
        return [
            Service(UUID("34802252-7185-4d5d-b431-630e7050e8f0"), [self.output, command]),
            Service(UUID.from_16_bits(0x180F), [battery]),
        ]

    def advertised(self):
        name = (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode())
        return advert((AdvertisingData.FLAGS, b"\x06"), name), b""

    def subscribed(self, on):
        if not on:
            self.stop_all()

    def on_command(self, _connection, value):
        value = bytes(value)
        if len(value) < 2 or value[1] == 0:
            return
        code, reference, data = value[0], value[1], value[2:]
        log(f"{self.label}: command {code} {reference} {data!r}")
        asyncio.create_task(self.notify(bytes([1, reference]) + self.result(code, reference, data)))

    def result(self, code, reference, data):
        if code == 0:
            texts = [self.serial, "Movesense", f"0C8CDC00{self.number:04X}", "plimsoll", "2.3.1"]
            return b"\x01" + b"".join(text.encode() + b"\0" for text in texts)
        if code == 1:
            status = self.subscribe(reference, data.decode("ascii", "replace"))
        elif code == 2:
            status = self.OK if reference in self.streams else self.NOT_FOUND
            self.stop(reference)
        else:
            status = self.BAD_REQUEST
        return struct.pack("<H", status)

    def subscribe(self, reference, path):
        match path.split("/"):
            case ["", "Meas", kind, rate] if kind in self.GROUPS and rate.isdigit():
                if int(rate) not in self.RATES:
                    return self.RATE_UNKNOWN
                if len(self.streams) >= self.SUBSCRIPTIONS:
                    return self.NO_ROOM
                self.start_stream(reference, self.GROUPS[kind], int(rate))
                return self.OK
        return self.NOT_FOUND

    def start_stream(self, reference, groups, rate):
        count = max(4, rate // 13)

        def batch(t):
            times = [t - (count - 1 - i) / rate for i in range(count)]
            samples = [self.motion(u) for u in times]
            payload = struct.pack("<I", round(times[0] * 1000))
            for group in groups:
                for sample in samples:
                    payload += struct.pack("<3f", *sample[group])
            room = self.payload_room() - 2
            messages = [bytes([2, reference]) + payload[:room]]
            for at in range(room, len(payload), room):
                messages.append(bytes([3, reference]) + payload[at : at + room])
            return messages

        self.stream(reference, lambda: count / rate, batch)


KINDS = {"strap": Strap, "wit": WitMotion, "movesense": Movesense}


def make_set(text, person):
    """Sensors by label, of `strap,wit:thigh,movesense*3`."""
    sensors, counts = {}, {}
    for word in text.split(","):
        kind, _, times = word.partition("*")
        kind, _, place = kind.partition(":")
        for _ in range(int(times or 1)):
            counts[kind] = counts.get(kind, 0) + 1
            label = place or (kind if kind == "strap" else f"{kind}{counts[kind]}")
            if label in sensors:
                raise SystemExit(f"two sensors are called {label}")
            sensors[label] = KINDS[kind](label, place, len(sensors) + 1, person)
    return sensors


class Control:
    """Commands of the test."""

    def __init__(self, sensors, adapter, person):
        self.sensors, self.adapter, self.person = sensors, adapter, person

    async def command(self, words):
        sensor = self.sensors.get(words[1]) if len(words) > 1 else None
        match words:
            case ["move", ("on" | "off") as state]:
                self.person.move(state == "on")
            case ["unplug"]:
                await self.adapter.unplug()
            case ["plug"]:
                await self.adapter.plug()
            case [_, label, *_] if sensor is None:
                raise ValueError(f"no sensor {label}")
            case ["shake", _, seconds]:
                sensor.shaken_until = now() + float(seconds)
            case ["bpm", _, value]:
                sensor.bpm = int(value)
            case ["drop", _]:
                if sensor.connection:
                    await sensor.connection.disconnect()
            case ["lose", _]:
                self.adapter.break_link(sensor.address)
            case ["adv", _, ("on" | "off") as state]:
                await sensor.advertise(state == "on")
            case ["stall", _, ("on" | "off") as state]:
                sensor.stalled = state == "on"
            case ["sent", _]:
                return f" {sensor.sent}"
            case ["links", _]:
                return f" {sensor.links}"
            case _:
                raise ValueError("no such command")
        return ""

    async def client(self, reader, writer):
        async for line in reader:
            text = line.decode().strip()
            if not text.startswith(("sent", "links")):
                log(f"control: {text}")
            try:
                answer = f"ok{await self.command(text.split())}"
            except Exception as error:
                answer = f"err {error!r}"
            writer.write(f"{answer}\n".encode())
            await writer.drain()
        writer.close()


async def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--set", default="strap,wit:thigh,movesense:shank")
    options.add_argument("--hci", default="vhci")
    options.add_argument("--control", default="127.0.0.1:7001")
    options.add_argument("--ready")
    asked = options.parse_args()

    person, link = Person(), LocalLink()
    sensors = make_set(asked.set, person)
    for sensor in sensors.values():
        await sensor.start(link)
        log(f"{sensor.label}: {sensor.address.to_string(False)} {sensor.name!r} serial {sensor.serial}")
    adapter = Adapter(asked.hci, link)
    await adapter.plug()
    host, port = asked.control.rsplit(":", 1)
    await asyncio.start_server(Control(sensors, adapter, person).client, host, int(port))
    if asked.ready:
        open(asked.ready, "w").close()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
