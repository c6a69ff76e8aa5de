# SPDX-License-Identifier: Apache-2.0
"""The host tier's runner: loads one submission and calls it in memory that the judge made."""
