/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no module. */
extern const int something;
const int something = 1;
