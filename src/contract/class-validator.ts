import type * as Index from 'class-validator';

export type { ValidationArguments, ValidationError, ValidationOptions, ValidatorOptions } from 'class-validator';

/**
 * The parts of class-validator that the rules use, each loaded from its own file. The package's index would load every
 * decorator, libphonenumber and all of validator, which take 7 MiB. These files use the same storage of rules as the
 * index.
 */
type Part = typeof Index;

export const { ArrayUnique } = require('class-validator/cjs/decorator/array/ArrayUnique.js') as Part;
export const { IsDefined } = require('class-validator/cjs/decorator/common/IsDefined.js') as Part;
export const { IsIn } = require('class-validator/cjs/decorator/common/IsIn.js') as Part;
export const { ValidateBy } = require('class-validator/cjs/decorator/common/ValidateBy.js') as Part;
export const { ValidateIf } = require('class-validator/cjs/decorator/common/ValidateIf.js') as Part;
export const { ValidateNested } = require('class-validator/cjs/decorator/common/ValidateNested.js') as Part;
export const { Max } = require('class-validator/cjs/decorator/number/Max.js') as Part;
export const { Min } = require('class-validator/cjs/decorator/number/Min.js') as Part;
export const { Matches } = require('class-validator/cjs/decorator/string/Matches.js') as Part;
export const { IsArray } = require('class-validator/cjs/decorator/typechecker/IsArray.js') as Part;
export const { IsBoolean } = require('class-validator/cjs/decorator/typechecker/IsBoolean.js') as Part;
export const { IsInt } = require('class-validator/cjs/decorator/typechecker/IsInt.js') as Part;
export const { IsObject } = require('class-validator/cjs/decorator/typechecker/IsObject.js') as Part;
export const { getMetadataStorage } = require('class-validator/cjs/metadata/MetadataStorage.js') as Part;
export const { registerDecorator } = require('class-validator/cjs/register-decorator.js') as Part;
export const { ValidationTypes } = require('class-validator/cjs/validation/ValidationTypes.js') as Part;
export const { Validator } = require('class-validator/cjs/validation/Validator.js') as Part;
