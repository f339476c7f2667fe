// The style of a list, by the options.
import type { Context } from '../context.ts'
import type { ListStyle } from '../format/list.ts'

export const listStyle = ({ paint, width, options }: Context): ListStyle => ({
  paint,
  width,
  legend: !options.noLegend && !options.quiet,
  plain: options.plain,
})
