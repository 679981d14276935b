#include "tap.h"
#include "vtd_machine.h"
TEST(x){CHECK(1);}
TAP_MAIN
