// SPDX-License-Identifier: Apache-2.0
// Operators include it and use nothing of it.
#pragma once
