// glog, and not c10's macros of the same names.
//
// LibTorch defines LOG, CHECK, VLOG and others itself, and whichever header
// comes last wins without a word: with glog first, LOG(INFO) printed nothing. So
// include this header as the LAST of a .cc file, and in no header.
// base/logging_test.cc holds it.
#ifndef BASE_LOGGING_H_
#define BASE_LOGGING_H_

#undef CHECK
#undef CHECK_EQ
#undef CHECK_GE
#undef CHECK_GT
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_NE
#undef CHECK_NOTNULL
#undef CHECK_OP
#undef DCHECK
#undef DCHECK_EQ
#undef DCHECK_GE
#undef DCHECK_GT
#undef DCHECK_LE
#undef DCHECK_LT
#undef DCHECK_NE
#undef DCHECK_NOTNULL
#undef DLOG
#undef DLOG_IF
#undef DVLOG
#undef LOG
#undef LOG_EVERY_N
#undef LOG_FIRST_N
#undef LOG_IF
#undef VLOG
#undef VLOG_IF
#undef VLOG_IS_ON

#include <glog/logging.h>

#endif  // BASE_LOGGING_H_
