/* SPDX-License-Identifier: Apache-2.0 */
/** Where the build lies that a test program is of: its images and modules. */
#ifndef TESTS_BUILD_DIR_H
#define TESTS_BUILD_DIR_H

/** BUILD, of which this program is tests/GROUP/test_x. Lives for ever. */
const char *build_dir(void);

#endif
