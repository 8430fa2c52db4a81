#!/usr/bin/env python3
"""What a user would write instead: samples from MQTT into a time-series store; see `store.sh`.

consumer.py points|lines BROKER_PORT STORE_PORT SAMPLES. Prints `ready`, then CPU and wall seconds for all samples.
"""
import sys
import time
import urllib.request

import cbor2
import numpy as np
import paho.mqtt.client as mqtt
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision

KIND, BROKER, STORE, SAMPLES = sys.argv[1], *map(int, sys.argv[2:5])
NAMES = {
    "imu": ["ax_m_s2", "ay_m_s2", "az_m_s2", "gx_rad_s", "gy_rad_s", "gz_rad_s"],
    "acc": ["ax_m_s2", "ay_m_s2", "az_m_s2"],
}
BATCH = 5000
URL = f"http://127.0.0.1:{STORE}"
seen, begin, pending = 0, None, []
client = InfluxDBClient(url=URL, token="", org="")
writer = client.write_api(write_options=WriteOptions(batch_size=BATCH, flush_interval=1000))


def post():
    body = "\n".join(pending).encode()
    request = urllib.request.Request(f"{URL}/api/v2/write?bucket=python&precision=ns", data=body, method="POST")
    urllib.request.urlopen(request).read()
    pending.clear()


def on_message(_client, _userdata, message):
    global seen, begin
    begin = begin or time.monotonic()
    b = cbor2.loads(message.payload)
    dt = np.frombuffer(b["dt"].value, "<u4" if b["dt"].tag == 70 else "<i8")
    names = NAMES.get(b["kind"], [b["kind"]])
    values = np.frombuffer(b["x"].value, "<f4").reshape(len(dt), -1).tolist()
    times = (b["t0"] + dt.astype(np.int64) + 1_780_000_000_000_000_000).tolist()
    quality = list(b["q"].value)
    for i, (t, row) in enumerate(zip(times, values)):
        if KIND == "points":
            point = Point(b["kind"]).tag("device", b["dev"]).tag("session", "python-points")
            for name, value in zip(names, row):
                point.field(name, value)
            writer.write(
                "python", "", point.field("sequence", b["seq"] + i).field("quality", quality[i]).time(t, WritePrecision.NS)
            )
        else:
            fields = ",".join(f"{n}={v}" for n, v in zip(names, row))
            pending.append(
                f"{b['kind']},device={b['dev']},session=python-lines {fields},sequence={b['seq'] + i}i,"
                f"quality={quality[i]}i {t}"
            )
    if len(pending) >= BATCH:
        post()
    seen += len(times)
    if seen >= SAMPLES:
        client_.disconnect()


client_ = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"python-{KIND}", clean_session=True)
client_.on_message = on_message
client_.on_subscribe = lambda *_: print("ready", flush=True)
client_.on_connect = lambda c, *_: c.subscribe("plimsoll/v1/+/samples/#", qos=1)
client_.connect("127.0.0.1", BROKER)
client_.loop_forever()
if pending:
    post()
writer.close()
print(time.process_time(), time.monotonic() - begin, flush=True)
