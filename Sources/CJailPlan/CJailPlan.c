#include "CJailPlan.h"
