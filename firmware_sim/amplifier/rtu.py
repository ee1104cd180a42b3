"""Modbus RTU as a board speaks it: requests out of a stream of bytes, answers to them.

Modbus over Serial Line, Specification and Implementation Guide V1.02; functions 3, 4, 6 and 16.
"""

import struct

from firmware_sim.amplifier.board import Board, BoardRefuses

READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_SEVERAL = 3, 4, 6, 16
_FIXED_BYTES = 8
_HEAD_BYTES = 7
_MOST_REGISTERS = 125
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 1, 2, 3


def crc16(frame: bytes) -> bytes:
    """Reflected polynomial 0xA001, from 0xFFFF, low byte first."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def request_bytes(stream: bytes) -> int | None:
    """How long the request is that `stream` begins with; None while that cannot be told."""
    if len(stream) < 2:
        return None
    if stream[1] != WRITE_SEVERAL:
        return _FIXED_BYTES
    return None if len(stream) < _HEAD_BYTES else _HEAD_BYTES + stream[6] + 2


def answer(board: Board, request: bytes) -> bytes:
    """The answer to one sound request, without the unit and the checksum around it."""
    function = request[1]
    try:
        return bytes([function]) + _obey(board, function, request[2:-2])
    except BoardRefuses as refusal:
        return bytes([function | 0x80, refusal.code])


def _obey(board: Board, function: int, body: bytes) -> bytes:
    address, second = struct.unpack_from(">HH", body)
    match function:
        case _ if function in {READ_HOLDING, READ_INPUT}:
            values = board.inputs() if function == READ_INPUT else board.holdings()
            return _registers(values, address, second)
        case _ if function == WRITE_ONE:
            board.write(address, [second])
        case _ if function == WRITE_SEVERAL:
            board.write(address, _written(body, second))
        case _:
            raise BoardRefuses(_ILLEGAL_FUNCTION)
    return body[:4]


def _registers(values: list[int], address: int, count: int) -> bytes:
    if not 1 <= count <= _MOST_REGISTERS:
        raise BoardRefuses(_ILLEGAL_VALUE)
    if address + count > len(values):
        raise BoardRefuses(_ILLEGAL_ADDRESS)
    return struct.pack(f">B{count}H", 2 * count, *values[address : address + count])


def _written(body: bytes, count: int) -> list[int]:
    if len(body) != 5 + 2 * count:
        raise BoardRefuses(_ILLEGAL_VALUE)
    return list(struct.unpack_from(f">{count}H", body, 5))
