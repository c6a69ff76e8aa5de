// SPDX-License-Identifier: Apache-2.0
// What a split extension has of it is in assay_split.h.
#pragma once
