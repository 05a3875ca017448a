# SPDX-License-Identifier: BSD-3-Clause
"""The benchmarks of shunt: one module a benchmark, lib.py what they share. See scripts/bench."""
